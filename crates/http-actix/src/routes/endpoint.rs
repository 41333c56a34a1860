use actix_web::guard::{self, Guard};
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, HttpRequest, Resource, Responder, web};

use crate::controllers::refusal;

/// A path and its methods.
pub type RouteMethods = (&'static str, Vec<&'static str>);

/// A path with its methods; any other method is refused with 405 and the list of these.
pub(crate) struct Endpoint {
    path: &'static str,
    methods: Vec<&'static str>,
    resource: Resource,
}

impl Endpoint {
    /// Creates an endpoint at `path` without methods.
    pub(crate) fn at(path: &'static str) -> Self {
        Self { path, methods: Vec::new(), resource: web::resource(path) }
    }

    /// Adds GET, and HEAD, which is a GET whose body is not sent.
    pub(crate) fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.methods.extend(["GET", "HEAD"]);
        self.on(guard::Any(guard::Get()).or(guard::Head()), handler)
    }

    /// Adds POST.
    pub(crate) fn post<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.methods.push("POST");
        self.on(guard::Method(Method::POST), handler)
    }

    /// Adds DELETE.
    pub(crate) fn delete<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.methods.push("DELETE");
        self.on(guard::Method(Method::DELETE), handler)
    }

    fn on<F, Args>(mut self, method: impl Guard + 'static, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.resource = self.resource.route(web::route().guard(method).to(handler));
        self
    }

    /// Returns the path and its methods.
    pub(crate) fn describe(&self) -> RouteMethods {
        (self.path, self.methods.clone())
    }

    /// Returns the resource to register with actix-web.
    pub(crate) fn into_resource(self) -> Resource {
        let allowed = self.methods.join(", ");
        self.resource.default_service(web::to(move |request: HttpRequest| {
            let allowed = allowed.clone();
            async move { refusal::method_not_allowed(request, allowed).await }
        }))
    }
}
