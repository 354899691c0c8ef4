//! What answers which path. Handlers bring in, ask the gate or the network, and hand the answer to a view.

mod delegates;
mod desk;
mod emergency;
mod entry;
mod errand;
mod find;
mod history;
mod kin;
mod looks;
mod orders;
mod person;
mod registry;
mod rules;
mod speak;
mod tell;
mod wish;

use crate::session::{Visitor, signed_in};
use crate::{State, answer};
use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::extract::{Request, State as Shared};
use axum::http::{Response, StatusCode};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::routing::{get, post};
use http_body_util::BodyExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use trust::Gate;

/// A page, or the page that says why not.
type Answer = Result<Response<Body>, Response<Body>>;

/// Largest form: a long note and the sealed state of a consultation.
const FORM_BYTES: usize = 256 << 10;

/// Answers to people leave at beats, so that the time of one tells nothing of what is kept from its reader. Counted from
/// when all of the question is here: whoever sends a form slowly chooses no moment.
async fn pace(Shared(state): Shared<State>, request: Request, next: Next) -> Response<Body> {
    let asked = signed_in(&state, request.headers())
        .filter(|actor| Gate::waits(actor.role))
        .map(|actor| {
            let question = format!("{} {}", request.method(), request.uri().path());
            (actor.id, question)
        });
    let Some((who, question)) = asked else {
        return next.run(request).await;
    };
    let here = Arc::new(Mutex::new(Instant::now()));
    let last = here.clone();
    let noted = move |frame| {
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        frame
    };
    let request = request.map(|body| Body::new(body.map_frame(noted)));
    let response = next.run(request).await;
    let started = *here.lock().unwrap_or_else(PoisonError::into_inner);
    state.gate.beat(&who, &question, started).await;
    response
}

/// Every path.
pub(crate) fn all(state: State) -> Router {
    Router::new()
        .route("/", get(entry::home))
        .route("/entrar", get(entry::show).post(entry::sign_in))
        .route("/salir", post(entry::sign_out))
        .route("/idioma/{lang}", get(entry::language))
        .route("/mostrador", get(desk::show))
        .route("/mostrador/entrar", post(desk::enter))
        .route("/mostrador/pagina", post(desk::make))
        .route("/mostrador/terminar", post(desk::end))
        .route("/encargos", get(delegates::show).post(delegates::name))
        .route("/encargos/quitar", post(delegates::end))
        .route("/encargos/usar", post(delegates::work))
        .route("/buscar", post(find::search))
        .route("/buscar/{sealed}", get(find::results))
        .route("/persona/{sealed}", get(person::show))
        .route("/persona/{sealed}/recibir", post(find::receive))
        .route("/persona/{sealed}/codigo", post(find::redeem))
        .route("/persona/{sealed}/referida", post(find::referred))
        .route("/persona/{sealed}/internar", post(find::admit))
        .route("/persona/{sealed}/alta", post(find::discharge))
        .route("/persona/{sealed}/nota", post(errand::note))
        .route("/persona/{sealed}/receta", post(errand::prescribe))
        .route("/persona/{sealed}/referencia", post(errand::refer))
        .route(
            "/persona/{sealed}/emergencia",
            get(emergency::ask).post(emergency::declare),
        )
        .route(
            "/persona/{sealed}/emergencia/expediente",
            get(emergency::record),
        )
        .route(
            "/persona/{sealed}/emergencia/confirmar",
            post(emergency::confirm),
        )
        .route(
            "/persona/{sealed}/avisar",
            get(tell::show).post(tell::propose),
        )
        .route("/persona/{sealed}/avisar/{id}/firmar", post(tell::agree))
        .route(
            "/segundo-factor",
            get(emergency::factor).post(emergency::begin_factor),
        )
        .route("/segundo-factor/probar", post(emergency::prove_factor))
        .route("/revisiones", get(emergency::reviews))
        .route(
            "/revisiones/{id}",
            get(emergency::review).post(emergency::decide),
        )
        .route("/ordenes", get(orders::list).post(orders::propose))
        .route("/ordenes/{id}/autorizar", post(orders::release))
        .route("/ordenes/{id}/expediente", post(orders::record))
        .route("/emergencias", get(emergency::figures))
        .route("/historia", get(history::show))
        .route("/accesos", get(looks::show))
        .route("/accesos/{member}/{act}/opinion", post(looks::opine))
        .route("/accesos/{member}/{act}/porque", get(looks::why))
        .route("/accesos/{member}/{act}/prueba", get(looks::proof))
        .route("/accesos/{member}/{act}/recibo", get(looks::receipt))
        .route("/reglas", get(rules::show).post(rules::save))
        .route("/reglas/vista", post(rules::preview))
        .route("/reglas/recibo/{version}", get(rules::receipt))
        .route("/reglas/quitar", post(rules::remove))
        .route("/saber", get(wish::show).post(wish::save))
        .route("/saber/{finding}", get(wish::confirm).post(wish::ask))
        .route("/registro", get(registry::list))
        .route(
            "/registro/{sealed}",
            get(registry::pair).post(registry::decide),
        )
        .route(
            "/registro/otra/{sealed}",
            get(registry::elsewhere).post(registry::settle),
        )
        .route("/quien-soy", get(registry::own))
        .route("/quien-soy/no-soy-yo", post(registry::not_me))
        .route("/codigo", get(entry::code).post(entry::show_code))
        .route("/representantes", get(kin::show).post(kin::name))
        .route("/representantes/quitar", post(kin::end))
        .route(
            "/persona/{sealed}/representante",
            get(kin::counter_show).post(kin::enter),
        )
        .route(
            "/persona/{sealed}/representante/quitar",
            post(kin::end_at_desk),
        )
        .route("/por/{sealed}", get(kin::record))
        .route("/por/{sealed}/accesos", get(kin::looks))
        .route("/por/{sealed}/terminar", post(kin::resign))
        .route("/por/{sealed}/reglas", get(speak::rules).post(speak::say))
        .route("/por/{sealed}/reglas/quitar", post(speak::remove))
        .route("/por/{sealed}/saber", get(speak::wishes).post(speak::wish))
        .route("/por/{sealed}/saber/preguntar", post(speak::ask))
        .route(
            "/estilo.css",
            get(async || answer::asset("text/css; charset=utf-8", answer::STYLE)),
        )
        .route(
            "/favicon.svg",
            get(async || answer::asset("image/svg+xml", answer::FAVICON)),
        )
        .fallback(async |visitor: Visitor| visitor.fault(StatusCode::NOT_FOUND, "fault.missing"))
        .method_not_allowed_fallback(async |visitor: Visitor| {
            visitor.fault(StatusCode::METHOD_NOT_ALLOWED, "fault.method")
        })
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(from_fn_with_state(state.clone(), pace))
        .layer(map_response(answer::guard))
        .with_state(state)
}
