use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;

use crate::controllers::respond;
use crate::problem::{Problem, ProblemCode};

/// Refuses a path without a route.
pub(crate) async fn unknown_route(request: HttpRequest) -> HttpResponse {
    let action =
        log_action("RefusalController.unknown_route", async { Err(Problem::new(ProblemCode::UnknownRoute)) });
    respond(&request, action).await
}

/// Refuses a method that the path does not have; `allowed` lists those it has.
pub(crate) async fn method_not_allowed(request: HttpRequest, allowed: String) -> HttpResponse {
    let action = log_action("RefusalController.method_not_allowed", async {
        Err(Problem::new(ProblemCode::MethodNotAllowed).allow(allowed))
    });
    respond(&request, action).await
}
