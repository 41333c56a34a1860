use actix_web::guard::{self, Guard};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{Handler, HttpRequest, Resource, Responder, web};

use crate::access::{Access, ControllerParameters};
use crate::controllers::refusal;
use crate::middlewares::{admit, admit_everyone, authenticate};

/// A path with its methods, and who may call each.
pub type RouteMethods = (&'static str, Vec<(&'static str, Access)>);

/// A path with its methods; any other method is refused with 405 and the list of these.
pub(crate) struct Endpoint {
    path: &'static str,
    methods: Vec<(&'static str, Access)>,
    /// Whether the routes that declare a scope require it.
    protected: bool,
    /// Whether the requests of callers are counted against their limits.
    limited: bool,
    resource: Resource,
}

impl Endpoint {
    /// Creates an endpoint at `path` without methods.
    pub(crate) fn at(path: &'static str) -> Self {
        let (methods, resource) = (Vec::new(), web::resource(path));
        Self { path, methods, protected: true, limited: true, resource }
    }

    /// Lets everyone call the routes that are added next, unless `protected`.
    pub(crate) fn protected_if(self, protected: bool) -> Self {
        Self { protected, ..self }
    }

    /// Counts no requests to the routes that are added next.
    pub(crate) fn unlimited(self) -> Self {
        Self { limited: false, ..self }
    }

    /// Adds GET, and HEAD, which is a GET whose body is not sent.
    pub(crate) fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: ControllerParameters,
        F::Output: Responder + 'static,
    {
        self.add(["GET", "HEAD"], Args::ACCESS);
        self.on(guard::Any(guard::Get()).or(guard::Head()), handler)
    }

    /// Adds POST.
    pub(crate) fn post<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: ControllerParameters,
        F::Output: Responder + 'static,
    {
        self.add(["POST"], Args::ACCESS);
        self.on(guard::Method(Method::POST), handler)
    }

    /// Adds DELETE.
    pub(crate) fn delete<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: ControllerParameters,
        F::Output: Responder + 'static,
    {
        self.add(["DELETE"], Args::ACCESS);
        self.on(guard::Method(Method::DELETE), handler)
    }

    fn on<F, Args>(mut self, method: impl Guard + 'static, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: ControllerParameters,
        F::Output: Responder + 'static,
    {
        let route = web::route().guard(method).to(handler);
        self.resource = self.resource.route(match Args::ACCESS {
            Access::Public => route,
            // The middleware that is wrapped last runs first.
            Access::Caller(_) if self.protected && self.limited => {
                route.wrap(from_fn(admit)).wrap(from_fn(authenticate))
            }
            Access::Caller(_) if self.protected => route.wrap(from_fn(authenticate)),
            Access::Caller(_) => route.wrap(from_fn(admit_everyone)),
        });
        self
    }

    fn add<const N: usize>(&mut self, methods: [&'static str; N], access: Access) {
        let access = if self.protected { access } else { Access::Public };
        self.methods.extend(methods.map(|method| (method, access)));
    }

    /// Returns the path and its methods.
    pub(crate) fn describe(&self) -> RouteMethods {
        (self.path, self.methods.clone())
    }

    /// Returns the resource to register with actix-web.
    pub(crate) fn into_resource(self) -> Resource {
        let methods: Vec<&str> = self.methods.iter().map(|(method, _)| *method).collect();
        let allowed = methods.join(", ");
        self.resource.default_service(web::to(move |request: HttpRequest| {
            let allowed = allowed.clone();
            async move { refusal::method_not_allowed(request, allowed).await }
        }))
    }
}
