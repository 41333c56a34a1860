//! Who may call a route: declared by the first parameter of its controller.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use application::dtos::{Actor, Caller};
use application::ports::{Principal, RequestPermit};
use domain::value_objects::{Scope, TenantId};

use crate::problem::{Problem, ProblemCode};
use crate::request_id::RequestId;
use crate::state::ApiState;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Public,
    /// Callers with at least one of these scopes; every caller where there are none.
    Caller(&'static [Scope]),
}

/// The first parameter of a controller, which declares who may call its route.
pub(crate) trait DeclaresAccess {
    /// Who may call the route.
    const ACCESS: Access;
}

/// The parameters of a controller.
pub(crate) trait ControllerParameters: FromRequest + 'static {
    /// Who may call the route.
    const ACCESS: Access;
}

impl DeclaresAccess for HttpRequest {
    const ACCESS: Access = Access::Public;
}

impl<S: Requirement> DeclaresAccess for Authorized<S> {
    const ACCESS: Access = Access::Caller(S::ANY_OF);
}

macro_rules! controller_parameters {
    ($($rest:ident),*) => {
        impl<First: DeclaresAccess + FromRequest + 'static, $($rest: FromRequest + 'static),*> ControllerParameters
            for (First, $($rest,)*)
        {
            const ACCESS: Access = First::ACCESS;
        }
    };
}

controller_parameters!();
controller_parameters!(B);
controller_parameters!(B, C);
controller_parameters!(B, C, D);

/// The scopes that a route requires.
pub(crate) trait Requirement: 'static {
    /// A caller needs one of them; none where every caller may call the route.
    const ANY_OF: &'static [Scope];
}

macro_rules! requirements {
    ($($(#[$doc:meta])* $name:ident = $any_of:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl Requirement for $name {
            const ANY_OF: &'static [Scope] = &$any_of;
        }
    )*};
}

requirements! {
    /// Every caller.
    AnyCaller = [];
    /// Callers who may classify texts.
    PredictionsWrite = [Scope::PredictionsWrite];
    /// Callers who may read predictions.
    PredictionsRead = [Scope::PredictionsRead];
    /// Callers who may delete predictions.
    PredictionsDelete = [Scope::PredictionsDelete];
    /// Callers who may list models.
    ModelsRead = [Scope::ModelsRead];
    /// Callers who may change models.
    ModelsWrite = [Scope::ModelsWrite];
    /// Callers who may read metrics.
    MetricsRead = [Scope::MetricsRead];
    /// Callers who may administer keys.
    KeysAdmin = [Scope::KeysAdmin];
    /// Callers who may read the audit of their tenant or of the instance.
    AuditRead = [Scope::KeysAdmin, Scope::AuditInstance];
}

/// Who sent a request, as the middlewares `authenticate` and `admit` have found out.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    pub(crate) caller: Rc<Caller>,
    /// The client's address.
    pub(crate) address: Option<IpAddr>,
    /// Whose use the request is counted as; none on a route that is not limited.
    pub(crate) principal: Option<Arc<Principal>>,
    /// Counts the request as in progress while it or a clone of it exists.
    pub(crate) permit: Option<Arc<RequestPermit>>,
}

impl Requester {
    /// The sender of a request that is not counted yet.
    pub(crate) fn new(caller: Caller, address: Option<IpAddr>) -> Self {
        Self { caller: Rc::new(caller), address, principal: None, permit: None }
    }

    /// Returns what the middlewares have found out about `request`.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }
}

/// How often it is checked whether the caller of an open stream or feed may continue, and with which limits. With the
/// greatest age of a cached key or tenant (4 s) it follows within five seconds of a change.
pub(crate) const REVALIDATE_EVERY: Duration = Duration::from_millis(500);

/// Checks that the caller of `request` would still be accepted, for a request that takes long.
///
/// # Errors
/// `unauthenticated`, `tenant_disabled`, `unavailable`.
pub(crate) async fn revalidate(request: &HttpRequest, state: &ApiState) -> Result<(), Problem> {
    let requester = Requester::of(request);
    if let (Some(use_case), Some(requester)) = (&state.use_cases.revalidate, requester) {
        use_case.execute(&requester.caller).await?;
    }
    Ok(())
}

/// A caller who may call the route. Only reads what the middleware has stored, so that no other extractor can answer
/// before it.
pub(crate) struct Authorized<S> {
    requester: Requester,
    requirement: PhantomData<S>,
}

impl<S> Authorized<S> {
    pub(crate) fn caller(&self) -> &Rc<Caller> {
        &self.requester.caller
    }

    /// Returns the tenant that the caller acts for.
    pub(crate) fn tenant(&self) -> TenantId {
        self.requester.caller.tenant.clone()
    }

    /// Returns whose use the request is counted as.
    pub(crate) fn principal(&self) -> Option<Arc<Principal>> {
        self.requester.principal.clone()
    }

    /// Returns the permit of the request, for work that continues after the response is given up.
    pub(crate) fn permit(&self) -> Option<Arc<RequestPermit>> {
        self.requester.permit.clone()
    }

    /// Returns the caller of `request` for the audit.
    pub(crate) fn actor(&self, request: &HttpRequest) -> Actor {
        Actor::of_request(&self.requester.caller, self.requester.address, &RequestId::of(request))
    }
}

impl<S: Requirement> FromRequest for Authorized<S> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let requester = Requester::of(request);
        let authorized = requester.ok_or_else(|| Problem::new(ProblemCode::Internal)).and_then(|requester| {
            requester.caller.require(S::ANY_OF)?;
            Ok(Self { requester, requirement: PhantomData })
        });
        ready(authorized.map_err(|problem| {
            let response = problem.respond(request);
            InternalError::from_response(problem, response).into()
        }))
    }
}
