//! A request's way in and out.
//!
//! In: find the route, see that the answer may be JSON, sign in, take the body within limits, and only then work, on a
//! blocking thread of which there is a bounded number. Out: one place puts on the headers that every answer has.
//! Nothing waits for a turn: when all turns are taken the answer is 503, and when one caller has taken her share of them
//! it is 429, before anything was read or written.

use crate::{
    State, act, capability,
    fault::Fault,
    inflate,
    negotiate::{self, Pairs, Sent, Wishes},
    public,
    respond::{FHIR_JSON, PLAIN_JSON, headers_only, json_response, respond, respond_fault},
    routes::{self, Entry, Interaction, Places, Route},
    session::{House, Outcome, Session},
    share::{Share, Shares},
    turns::{Hands, Turn, aside, blocking, turn_of},
};
use axum::{
    Router,
    body::{Body, Bytes},
    routing::any_service,
};
use fhir::{IssueCode, ResourceType, json};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header, request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::{
    any::Any,
    cell::Cell,
    convert::Infallible,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Instant,
};
use tokio::sync::Semaphore;
use tower::{Layer, service_fn};
use tower_http::compression::CompressionLayer;
use tracing::Instrument;
use trust::{Actor, Gate, MemberId, SignedWord};

/// What every request reaches.
pub(crate) struct Door {
    house: House,
    network: exchange::Network,
    clock: crate::Clock,
    turns: Arc<Semaphore>,
    bundle_turns: Arc<Semaphore>,
    looking: Hands,
    writing: Hands,
    shares: Shares,
    statement: Statement,
}

/// The CapabilityStatement, made again when other search parameters can be asked for.
#[derive(Default)]
struct Statement(Mutex<(Option<Names>, Bytes)>);

/// Numbers and URLs of the loaded search parameters that a statement names.
type Names = Vec<(u16, String)>;

pub(crate) fn router(state: State) -> Router {
    let base = format!("{}/fhir", state.base.trim_end_matches('/'));
    let door = Arc::new(Door {
        turns: Arc::new(Semaphore::new(state.limits.concurrent)),
        bundle_turns: Arc::new(Semaphore::new(state.limits.bundles)),
        looking: Hands::to_look(state.gate.store().is_near()),
        writing: Hands::to_write(state.gate.store().is_near()),
        shares: Shares::new(state.limits.per_token),
        statement: Statement::default(),
        clock: state.clock,
        network: state.network,
        house: House {
            gate: state.gate,
            people: state.people,
            limits: state.limits,
            base,
        },
    });
    // By its own type: each layer of the router's would cost boxes of memory a request.
    let packed = CompressionLayer::new().layer(service_fn(move |request| {
        let door = door.clone();
        async move { Ok::<_, Infallible>(handle(door, request).await) }
    }));
    let answer = any_service(packed);
    // Which of these addresses there are, and for which methods, is for `routes` to say.
    let mut router = Router::new().route("/fhir", answer.clone());
    for path in ["/fhir/", "/fhir/{*rest}", "/log/{*rest}", "/health/{*rest}"] {
        router = router.route(path, answer.clone());
    }
    router
}

/// A panic is ours: it is logged, and the caller hears nothing of our insides.
fn broken(panic: &(dyn Any + Send)) -> Response<Body> {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = said.as_deref().unwrap_or("?"), "a request broke");
    respond_fault(&Fault::ours(), false)
}

/// A body from this size on is worked on aside: so others do not feel it.
const BIG_BODY: usize = 1 << 20;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request's way, and at its end the headers that every answer has.
async fn handle(door: Arc<Door>, request: Request<Body>) -> Response<Body> {
    let id = request
        .headers()
        .get(&REQUEST_ID)
        .filter(|id| id.len() <= 64 && id.as_bytes().iter().all(u8::is_ascii_graphic))
        .cloned()
        .or_else(|| HeaderValue::from_str(&act::new_id().ok()?).ok());
    // Apart, so that what is around it is not moved about with all that it holds.
    let mut answer = Box::pin(conduct(door, request));
    let unbroken = poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(broken(panic.as_ref())))
    });
    let mut response = unbroken.await;
    let headers = response.headers_mut();
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000"),
    );
    response
}

async fn conduct(door: Arc<Door>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let asked = Asked::of(&parts.uri);
    let pretty = matches!(&asked, Ok(asked) if asked.pretty);
    let span = span(&parts);
    let result = match asked {
        Ok(asked) => {
            let answer = door.answer(&parts, asked, body);
            answer.instrument(span.clone()).await
        }
        Err(fault) => Err(fault),
    };
    if !span.is_disabled() {
        let status = result
            .as_ref()
            .map_or_else(|fault| fault.status, |response| response.status().as_u16());
        span.record("status", status);
    }
    let response = result.unwrap_or_else(|fault| respond_fault(&fault, pretty));
    match parts.method {
        Method::HEAD => headers_only(response),
        _ => response,
    }
}

/// The span of a request in traces: its route by the pattern, and the type where the address names one of R4. Addresses,
/// queries, bodies and names that callers choose never go into it.
fn span(parts: &request::Parts) -> tracing::Span {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return tracing::Span::none();
    }
    let found = routes::find(parts.method.as_str(), parts.uri.path()).ok();
    let of = found
        .as_ref()
        .and_then(|(_, places)| ResourceType::from_name(&places.of));
    let route = found.map(|(route, _)| route);
    tracing::debug_span!(
        "request",
        method = route.map(|route| route.method),
        route = route.map_or("unknown", |route| route.path),
        of = of.map(ResourceType::name),
        status = tracing::field::Empty
    )
}

/// What a route takes as its body, if it takes one.
fn sent_to(route: &Route) -> Option<Sent> {
    use Interaction::*;
    match route.interaction {
        SearchPosted | SearchSystemPosted => Some(Sent::Form),
        Patch | PatchWhere => Some(Sent::Patch),
        Create | Update | UpdateWhere | Bundle | MetaAdd | MetaDelete | Validate
        | ValidateInstance | LastnPosted | Match | PixPosted | Merge | Split => Some(Sent::Json),
        _ => None,
    }
}

/// The query of an address: general parameters apart from the interaction's own.
struct Asked {
    pairs: Pairs,
    format: Option<String>,
    pretty: bool,
}

impl Asked {
    fn of(uri: &Uri) -> Result<Asked, Fault> {
        let mut pairs = negotiate::pairs(uri.query().unwrap_or_default())?;
        let format = negotiate::take(&mut pairs, "_format");
        let pretty = pretty_of(&mut pairs)?;
        Ok(Asked {
            pairs,
            format,
            pretty,
        })
    }
}

fn pretty_of(pairs: &mut Pairs) -> Result<bool, Fault> {
    match negotiate::take(pairs, "_pretty").as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Fault::bad(IssueCode::Value, "`_pretty` is true or false.")),
    }
}

/// Who asks, by which route.
struct SignedIn {
    route: &'static Route,
    places: Places,
    share: Arc<Share>,
    actor: Actor,
}

/// A request that was read whole.
struct Whole {
    route: &'static Route,
    places: Places,
    pairs: Pairs,
    wishes: Wishes,
    headers: HeaderMap,
    /// JSON, for the interactions that take it.
    body: Option<Bytes>,
    /// Whether that is compressed.
    gzip: bool,
    actor: Actor,
}

impl Statement {
    /// As things are. Cost: making it, some milliseconds, when they changed.
    fn of(&self, house: &House) -> Bytes {
        let searchable = house.gate.store().searchable();
        let catalog = searchable.ready();
        let names = catalog.loaded().map(|(n, url, _)| (n, url.to_owned()));
        let names: Names = names.collect();
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if made.0.as_ref() != Some(&names) {
            let statement = capability::statement(&house.base, &house.limits, catalog);
            *made = (Some(names), Bytes::from(statement.to_bytes()));
        }
        made.1.clone()
    }
}

impl Door {
    async fn answer(
        self: Arc<Door>,
        parts: &request::Parts,
        asked: Asked,
        body: Body,
    ) -> Result<Response<Body>, Fault> {
        let (route, places) = routes::find(parts.method.as_str(), parts.uri.path())?;
        if route.entry == Entry::Public {
            return self.public(route, places, &parts.headers, asked).await;
        }
        negotiate::acceptable(&parts.headers, asked.format.as_deref())?;
        let token = negotiate::token(&parts.headers);
        let share = self.shares.take(token).ok_or_else(Fault::too_much)?;
        let share = Arc::new(share);
        let actor = self.clone().sign_in(token, &share).await?;
        let who = Gate::waits(actor.role).then(|| actor.id.clone());
        let mut started = Instant::now();
        let signed_in = SignedIn {
            route,
            places,
            share,
            actor,
        };
        let answer = self
            .clone()
            .answer_to(signed_in, parts, asked, body, &mut started)
            .await;
        if let Some(who) = who {
            let question = format!("{} {}", parts.method, parts.uri);
            self.house.gate.beat(&who, &question, started).await;
        }
        answer
    }

    /// The answer to somebody who signed in. Its time is counted from when all of the question is here: whoever sends it
    /// slowly chooses no moment.
    async fn answer_to(
        self: Arc<Door>,
        signed_in: SignedIn,
        parts: &request::Parts,
        mut asked: Asked,
        body: Body,
        started: &mut Instant,
    ) -> Result<Response<Body>, Fault> {
        let SignedIn {
            route,
            places,
            share,
            actor,
        } = signed_in;
        let turns = match route.interaction {
            Interaction::Bundle => &self.bundle_turns,
            _ => &self.turns,
        };
        // Taken before the body is: what waits in memory is bounded too.
        let turn = turn_of(turns)?.of(&share);
        let sent = sent_to(route);
        let (mut bytes, mut gzip) = (None, false);
        if let Some(sent) = sent {
            gzip = negotiate::content(&parts.headers, sent)?;
            bytes = Some(self.take(body).await?);
            *started = Instant::now();
        }
        let mut wishes = negotiate::wishes(&parts.headers)?;
        if let Some(form) = bytes.take_if(|_| sent == Some(Sent::Form)) {
            let text = std::str::from_utf8(&form).map_err(|_| {
                Fault::bad(
                    IssueCode::Invalid,
                    "The form holds bytes that are not UTF-8.",
                )
            })?;
            asked.pairs.extend(negotiate::pairs(text)?);
            if let Some(format) = negotiate::take(&mut asked.pairs, "_format") {
                negotiate::acceptable(&parts.headers, Some(&format))?;
            }
            asked.pretty |= pretty_of(&mut asked.pairs)?;
        }
        wishes.pretty = asked.pretty;
        let whole = Whole {
            route,
            places,
            pairs: asked.pairs,
            headers: parts.headers.clone(),
            wishes: wishes.clone(),
            body: bytes,
            gzip,
            actor,
        };
        if let Some(reply) = self.at_hand(&whole).await {
            return Ok(respond(reply?, &wishes, &self.house.base));
        }
        let door = self.clone();
        if whole.route.interaction.only_looks() {
            let reply = door.look(turn, whole).await?;
            return Ok(respond(reply, &wishes, &self.house.base));
        }
        let is_big = whole
            .body
            .as_ref()
            .is_some_and(|body| body.len() > BIG_BODY);
        let mut reply = match is_big {
            true => aside(turn, move || door.work(whole)).await?,
            false => self.writing.lend(turn, move || door.work(whole)).await?.1,
        };
        if let Some(word) = reply.said.take() {
            reply.untold = self.untold(*word).await;
        }
        Ok(respond(reply, &wishes, &self.house.base))
    }

    /// Carries what a person said to the other members; gives those that have not heard it yet. It waits for them.
    async fn untold(&self, word: SignedWord) -> Vec<MemberId> {
        let told = self.network.spread(word, (self.clock)()).await;
        let late = told.into_iter().filter(|(_, arrived)| !arrived);
        late.map(|(member, _)| member).collect()
    }

    async fn public(
        self: Arc<Door>,
        route: &'static Route,
        places: Places,
        headers: &HeaderMap,
        asked: Asked,
    ) -> Result<Response<Body>, Fault> {
        let body = match route.interaction {
            Interaction::LogFile => {
                let turn = turn_of(&self.turns)?;
                return blocking(turn, move || public::log_file(&self.house, &places.rest)).await;
            }
            Interaction::Metadata => {
                negotiate::acceptable(headers, asked.format.as_deref())?;
                let mut pairs = asked.pairs;
                match negotiate::take(&mut pairs, "mode").as_deref() {
                    None | Some("full") => {}
                    Some(_) => {
                        return Err(Fault::bad(
                            IssueCode::NotSupported,
                            "`mode`: only `full` is supported.",
                        ));
                    }
                }
                act::nothing_else(&pairs, "mode, _format, _pretty")?;
                return Ok(json_response(
                    200,
                    self.statement.of(&self.house),
                    asked.pretty,
                    FHIR_JSON,
                ));
            }
            Interaction::Ready => {
                let turn = turn_of(&self.turns)?;
                let reach = move || {
                    // Any row of the log: what counts is that the archive answers.
                    let _ = self.house.gate.log_file("checkpoint");
                    Ok(())
                };
                blocking(turn, reach).await?;
                public::health("ready")
            }
            _ => public::health("live"),
        };
        Ok(json_response(200, body.into(), asked.pretty, PLAIN_JSON))
    }

    /// Who asks. A missing, unknown or expired token is an act before this returns.
    async fn sign_in(
        self: Arc<Door>,
        token: Option<&str>,
        share: &Arc<Share>,
    ) -> Result<Actor, Fault> {
        if let Some(actor) = self.house.gate.at_hand(token, (self.clock)()) {
            return Ok(actor);
        }
        let token = token.map(str::to_owned);
        let turn = turn_of(&self.turns)?.of(share);
        blocking(turn, move || {
            let now = (self.clock)();
            Ok(self.house.gate.authenticate(token.as_deref(), now)?)
        })
        .await
    }

    /// The body, within size and time.
    async fn take(&self, body: Body) -> Result<Bytes, Fault> {
        let limits = &self.house.limits;
        let whole = Limited::new(body, limits.body_bytes).collect();
        match tokio::time::timeout(limits.body_time, whole).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Fault::new(
                413,
                IssueCode::TooLong,
                format!(
                    "The body is larger than {} bytes, the limit of this server.",
                    limits.body_bytes
                ),
            )),
            Ok(Err(_)) => Err(Fault::bad(
                IssueCode::Invalid,
                "The body ended before its end.",
            )),
            Err(_) => Err(Fault::new(
                408,
                IssueCode::Timeout,
                "The body took too long to arrive.",
            )),
        }
    }

    fn session(&self, actor: &Actor, headers: &HeaderMap) -> Result<Session<'_>, Fault> {
        Ok(Session {
            house: &self.house,
            purpose: negotiate::purpose(headers, actor.role)?,
            actor: actor.clone(),
            now: (self.clock)(),
            unwanted: Cell::default(),
            terms: Cell::default(),
            said: Cell::default(),
        })
    }

    /// What needs no other thread.
    async fn at_hand(&self, whole: &Whole) -> Option<Outcome> {
        if whole.route.interaction != Interaction::Read {
            return None;
        }
        let (places, pairs) = (&whole.places, whole.pairs.clone());
        let op = act::Op::new(Interaction::Read, places, pairs, None).ok()??;
        let act::Op::Read(of, id, pairs) = op else {
            return None;
        };
        let reading = self
            .session(&whole.actor, &whole.headers)
            .ok()?
            .read_at_hand(of, &id, pairs, &whole.wishes)?;
        Some(reading.await)
    }

    /// What only looks: when a hand is free, and without a thread while its act becomes durable.
    async fn look(self: Arc<Door>, turn: Turn, whole: Whole) -> Outcome {
        let door = self.clone();
        let found = self.looking.lend(turn, move || {
            let session = door.session(&whole.actor, &whole.headers)?;
            let (interaction, places) = (whole.route.interaction, &whole.places);
            let op = act::Op::new(interaction, places, whole.pairs, None)?;
            session.looking(op.ok_or_else(Fault::ours)?, &whole.wishes)
        });
        let (_turn, opening) = found.await?;
        opening.await
    }

    /// Everything that blocks.
    fn work(&self, whole: Whole) -> Outcome {
        let session = self.session(&whole.actor, &whole.headers)?;
        let body = match whole.body {
            Some(body) if whole.gzip => {
                let body = inflate::gzip(&body, self.house.limits.body_bytes)?;
                Some(self.parse(&body)?)
            }
            Some(body) => Some(self.parse(&body)?),
            None => None,
        };
        if let (Some(Sent::Patch), Some(patch)) = (sent_to(whole.route), &body) {
            let kind = whole.headers.get(header::CONTENT_TYPE);
            let kind = kind.and_then(|kind| kind.to_str().ok());
            negotiate::patch_of_kind(kind.unwrap_or_default(), patch)?;
        }
        if whole.route.interaction == Interaction::Bundle {
            act::nothing_else(&whole.pairs, "_format, _pretty")?;
            let bundle = body.ok_or_else(Fault::ours)?;
            return session.noted(session.bundle(bundle, &whole.wishes));
        }
        let op = act::Op::new(whole.route.interaction, &whole.places, whole.pairs, body)?;
        session.noted(session.act(op.ok_or_else(Fault::ours)?, &whole.wishes))
    }

    fn parse(&self, body: &[u8]) -> Result<fhir::Value, Fault> {
        let limits = json::Limits {
            bytes: self.house.limits.body_bytes,
            depth: self.house.limits.depth,
        };
        json::parse(body, &limits).map_err(|error| {
            let issue =
                fhir::Issue::error(IssueCode::Structure, error.path.clone(), error.to_string());
            Fault::of(400, vec![issue])
        })
    }
}
