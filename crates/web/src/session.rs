//! Who asks: language, session, and whether a form is ours.

use crate::answer::{page, redirect};
use crate::form::Fields;
use crate::seal::Use;
use crate::text::Text;
use crate::threads::Threads;
use crate::views::fault::{self, Because, Step};
use crate::{State, views};
use axum::Form;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, Response, StatusCode, Uri, header, request::Parts};
use jiff::Timestamp;
use trust::{Actor, Gate, Lang, MemberId, Refusal, RefusalKind, Role};

/// The session cookie, with the member's short name behind it: this host only, HTTPS only, never sent from other sites,
/// unreadable for scripts. Browsers do not keep the ports of a host apart, so nodes on one machine need names of their own.
fn session_name(member: &MemberId) -> String {
    format!("__Host-tejido-sesion-{member}")
}
const LANG_COOKIE: &str = "__Host-tejido-lengua";

pub(crate) fn session_cookie(member: &MemberId, token: &str) -> String {
    let name = session_name(member);
    format!("{name}={token}; Path=/; Secure; HttpOnly; SameSite=Strict")
}

/// The session of whoever helps at a desk, while the browser has that of the person whom she helps.
fn desk_name(member: &MemberId) -> String {
    format!("__Host-tejido-mostrador-{member}")
}

pub(crate) fn desk_cookie(member: &MemberId, token: &str) -> String {
    let name = desk_name(member);
    format!("{name}={token}; Path=/; Secure; HttpOnly; SameSite=Strict")
}

pub(crate) fn no_desk_cookie(member: &MemberId) -> String {
    let name = desk_name(member);
    format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}

pub(crate) fn no_session_cookie(member: &MemberId) -> String {
    let name = session_name(member);
    format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}

pub(crate) fn lang_cookie(code: &str) -> String {
    format!("{LANG_COOKIE}={code}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000")
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, v)| *n == name && !v.is_empty())
        .map(|(_, v)| v)
}

/// Spanish unless the person chose English, or her browser prefers English and does not mention Spanish before.
fn lang(headers: &HeaderMap) -> Lang {
    match cookie(headers, LANG_COOKIE) {
        Some("en") => return Lang::En,
        Some("es") => return Lang::Es,
        _ => {}
    }
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let first = accepted
        .split(',')
        .map(|l| l.trim().get(..2).unwrap_or_default().to_ascii_lowercase())
        .find(|l| l == "es" || l == "en");
    if first.as_deref() == Some("en") {
        Lang::En
    } else {
        Lang::Es
    }
}

/// Who asks, where that is at hand: it is, from a session's first page on.
pub(crate) fn signed_in(state: &State, headers: &HeaderMap) -> Option<Actor> {
    let token = cookie(headers, &session_name(&state.gate.member()));
    state.gate.at_hand(token, state.now())
}

/// Anybody who asks for a page.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) state: State,
    pub(crate) t: Text,
    pub(crate) token: Option<String>,
    pub(crate) path: String,
    /// The session of whoever helps her at a desk.
    pub(crate) desk: Option<String>,
    /// What just happened, sealed, from the query.
    flash: Option<String>,
}

impl Visitor {
    fn of(state: &State, headers: &HeaderMap, uri: &Uri) -> Visitor {
        let flash = uri
            .query()
            .into_iter()
            .flat_map(|q| q.split('&'))
            .find_map(|pair| pair.strip_prefix("aviso="));
        Visitor {
            state: state.clone(),
            t: Text::of(lang(headers)),
            token: cookie(headers, &session_name(&state.gate.member())).map(str::to_owned),
            path: uri.path().to_owned(),
            desk: cookie(headers, &desk_name(&state.gate.member())).map(str::to_owned),
            flash: flash.map(str::to_owned),
        }
    }
    pub(crate) fn frame(&self, actor: Option<&Actor>) -> views::Frame {
        let pact = self.state.gate.pact();
        let threads = Threads::of(&pact);
        let node = threads.name(&self.state.gate.member());
        let mut frame = views::Frame::new(self.t, threads, node, &self.path, actor);
        frame.refers = pact.care.is_some();
        if let (Some(token), Some(_)) = (&self.token, actor) {
            frame = frame.with_csrf(self.state.sealer.csrf(token));
            frame.flash = self
                .flash
                .as_ref()
                .and_then(|f| self.state.sealer.open(token, Use::Flash, f));
        }
        frame
    }
    /// A page that says what went wrong.
    pub(crate) fn fault(&self, status: StatusCode, key: &str) -> Response<Body> {
        let headline = self.t.say(&format!("{key}.title")).to_owned();
        let sentence = self.t.say(&format!("{key}.what")).to_owned();
        let steps = [Step {
            href: "/".to_owned(),
            label: self.t.say("fault.home").to_owned(),
        }];
        let html = fault::page(
            self.frame(None),
            &headline,
            &sentence,
            Because::default(),
            &steps,
            ("", false),
        );
        page(status, html)
    }
}

/// Somebody signed in.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) visitor: Visitor,
    pub(crate) actor: Actor,
    pub(crate) token: String,
}

impl Signed {
    /// What a call on the gate needs: the gate, the moment, and who asks.
    pub(crate) fn at_the_gate(&self) -> (Gate, Timestamp, Actor) {
        let state = self.state();
        (state.gate.clone(), state.now(), self.actor.clone())
    }
    pub(crate) fn t(&self) -> Text {
        self.visitor.t
    }
    pub(crate) fn state(&self) -> &State {
        &self.visitor.state
    }
    pub(crate) fn frame(&self) -> views::Frame {
        self.visitor.frame(Some(&self.actor))
    }
    pub(crate) fn seal(&self, of: Use, text: &str) -> String {
        self.state().sealer.close(&self.token, of, text)
    }
    pub(crate) fn open(&self, of: Use, sealed: &str) -> Option<String> {
        self.state().sealer.open(&self.token, of, sealed)
    }
    /// The page for an address that names what it named no more.
    pub(crate) fn stale(&self) -> Response<Body> {
        self.fault(StatusCode::GONE, "fault.stale")
    }
    /// Goes to a page and says there what just happened.
    pub(crate) fn go(&self, to: &str, said: &str) -> Response<Body> {
        let flash = self.seal(Use::Flash, said);
        let (path, fragment) = to.split_once('#').unwrap_or((to, ""));
        let hash = if fragment.is_empty() { "" } else { "#" };
        redirect(&format!("{path}?aviso={flash}{hash}{fragment}"))
    }
    /// A refusal as a page. `reference` names the person whose care relation may be missing.
    pub(crate) fn refuse(&self, refusal: &Refusal, reference: &str) -> Response<Body> {
        let t = self.t();
        if matches!(
            refusal.kind,
            RefusalKind::NotSignedIn | RefusalKind::Expired
        ) {
            return redirect("/entrar");
        }
        let headline = t.say(match refusal.kind {
            RefusalKind::NoEvidence => "refusal.evidence",
            RefusalKind::Licence => "refusal.licence",
            RefusalKind::Reviews => "refusal.reviews",
            RefusalKind::Delegation => "refusal.delegation",
            RefusalKind::Unavailable => "refusal.unavailable",
            RefusalKind::SlowDown => "refusal.slow",
            RefusalKind::Unusual => "refusal.unusual",
            RefusalKind::OldWord => "refusal.old_word",
            RefusalKind::Bad => "refusal.bad",
            _ => "refusal.closed",
        });
        let evidence = if refusal.kind == RefusalKind::NoEvidence {
            reference
        } else {
            ""
        };
        let breaks = breaks(&self.actor);
        let steps = [Step {
            href: "/".to_owned(),
            label: t.say("fault.home").to_owned(),
        }];
        let is_for_the_desk = refusal
            .because
            .iter()
            .any(|why| why == "desk-opens-no-record");
        let sentence = match is_for_the_desk {
            true => t.say("desk.refused"),
            false => refusal.sentence(t.lang()),
        };
        let says = self.state().gate.says_of(&self.actor, refusal).into_iter();
        let says: Vec<String> = says.map(|one| one.text(t.lang()).to_owned()).collect();
        let html = fault::page(
            self.frame(),
            headline,
            sentence,
            Because {
                names: &refusal.because,
                says: &says,
            },
            &steps,
            (evidence, breaks),
        );
        page(status(refusal.kind), html)
    }
    /// A page that says what went wrong, inside the reader's frame.
    pub(crate) fn fault(&self, status: StatusCode, key: &str) -> Response<Body> {
        let t = self.t();
        let headline = t.say(&format!("{key}.title")).to_owned();
        let sentence = t.say(&format!("{key}.what")).to_owned();
        let steps = [Step {
            href: "/".to_owned(),
            label: t.say("fault.home").to_owned(),
        }];
        page(
            status,
            fault::page(
                self.frame(),
                &headline,
                &sentence,
                Because::default(),
                &steps,
                ("", false),
            ),
        )
    }
}

/// To whom pages offer to break the glass: nobody does it in another's name.
pub(crate) fn breaks(actor: &Actor) -> bool {
    matches!(actor.role, Role::Physician | Role::Nurse) && actor.delegator.is_none()
}

/// The HTTP status of a refusal.
pub(crate) fn status(kind: RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::NotSignedIn | RefusalKind::WrongSecret | RefusalKind::Expired => {
            StatusCode::UNAUTHORIZED
        }
        RefusalKind::SlowDown | RefusalKind::Unusual => StatusCode::TOO_MANY_REQUESTS,
        RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Bad => StatusCode::BAD_REQUEST,
        RefusalKind::NoEvidence
        | RefusalKind::OldWord
        | RefusalKind::Licence
        | RefusalKind::Reviews
        | RefusalKind::Delegation
        | RefusalKind::Pact
        | RefusalKind::Person
        | RefusalKind::UsedUp
        | RefusalKind::Forged => StatusCode::FORBIDDEN,
    }
}

/// Runs what blocks on the archive away from the threads that serve.
pub(crate) async fn blocking<T: Send + 'static>(
    visitor: &Visitor,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Response<Body>> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| visitor.fault(StatusCode::INTERNAL_SERVER_ERROR, "fault.broken"))
}

impl FromRequestParts<State> for Visitor {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Self::Rejection> {
        Ok(Visitor::of(state, &parts.headers, &parts.uri))
    }
}

impl FromRequestParts<State> for Signed {
    type Rejection = Response<Body>;
    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response<Body>> {
        let visitor = Visitor::of(state, &parts.headers, &parts.uri);
        // Nobody signed in is no attempt at anything: show the door, keep no act.
        let Some(token) = visitor.token.clone() else {
            return Err(redirect("/entrar"));
        };
        let (gate, now, asked) = (state.gate.clone(), state.now(), token.clone());
        let actor = blocking(&visitor, move || gate.authenticate(Some(&asked), now)).await?;
        match actor {
            Ok(actor) => Ok(Signed {
                visitor,
                actor,
                token,
            }),
            Err(refusal) if refusal.kind == RefusalKind::Unavailable => {
                Err(visitor.fault(StatusCode::SERVICE_UNAVAILABLE, "fault.busy"))
            }
            Err(_) => Err(crate::answer::with_cookie(
                redirect("/entrar"),
                &no_session_cookie(&visitor.state.gate.member()),
            )),
        }
    }
}

/// Whether a POST comes from a page of ours.
fn same_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    let said = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = said("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = said("host").or_else(|| uri.authority().map(|a| a.as_str()));
    match (said("origin"), host) {
        (Some(origin), Some(host)) => origin.strip_prefix("https://") == Some(host),
        _ => false,
    }
}

/// A form of somebody who need not be signed in (the sign-in itself).
pub(crate) struct OpenForm(pub(crate) Visitor, pub(crate) Fields);

/// A form of somebody signed in, with her session's token checked.
pub(crate) struct SignedForm(pub(crate) Signed, pub(crate) Fields);

async fn fields(request: Request, visitor: &Visitor) -> Result<Fields, Response<Body>> {
    match Form::<Vec<(String, String)>>::from_request(request, &()).await {
        Ok(Form(pairs)) => Ok(Fields(pairs)),
        Err(bad) if bad.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(visitor.fault(StatusCode::PAYLOAD_TOO_LARGE, "fault.large"))
        }
        Err(_) => Err(visitor.fault(StatusCode::BAD_REQUEST, "fault.form")),
    }
}

impl FromRequest<State> for OpenForm {
    type Rejection = Response<Body>;
    async fn from_request(request: Request, state: &State) -> Result<Self, Response<Body>> {
        let visitor = Visitor::of(state, request.headers(), request.uri());
        if !same_origin(request.headers(), request.uri()) {
            return Err(visitor.fault(StatusCode::FORBIDDEN, "fault.foreign"));
        }
        let fields = fields(request, &visitor).await?;
        Ok(OpenForm(visitor, fields))
    }
}

impl FromRequest<State> for SignedForm {
    type Rejection = Response<Body>;
    async fn from_request(request: Request, state: &State) -> Result<Self, Response<Body>> {
        let (mut parts, body) = request.into_parts();
        let signed = Signed::from_request_parts(&mut parts, state).await?;
        let request = Request::from_parts(parts, body);
        let OpenForm(_, fields) = OpenForm::from_request(request, state).await?;
        if !state.sealer.csrf_is(&signed.token, fields.get("csrf")) {
            return Err(signed.fault(StatusCode::FORBIDDEN, "fault.foreign"));
        }
        Ok(SignedForm(signed, fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut out = HeaderMap::new();
        for (name, value) in pairs {
            out.append(*name, value.parse().unwrap());
        }
        out
    }

    #[test]
    fn a_form_from_elsewhere_is_not_ours() {
        let uri = Uri::from_static("/reglas");
        let ours = |pairs: &[(&'static str, &str)]| same_origin(&headers(pairs), &uri);
        assert!(ours(&[
            ("host", "localhost:8443"),
            ("origin", "https://localhost:8443")
        ]));
        assert!(ours(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "null")
        ]));
        assert!(!ours(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://localhost:8443")
        ]));
        assert!(!ours(&[
            ("host", "localhost:8443"),
            ("origin", "https://evil.example")
        ]));
        assert!(!ours(&[
            ("host", "localhost:8443"),
            ("origin", "http://localhost:8443")
        ]));
        assert!(!ours(&[("host", "localhost:8443"), ("origin", "null")]));
        assert!(!ours(&[("host", "localhost:8443")]));
    }

    #[test]
    fn spanish_comes_first_unless_english_is_chosen() {
        assert_eq!(lang(&headers(&[])), Lang::Es);
        assert_eq!(lang(&headers(&[("accept-language", "fr, de")])), Lang::Es);
        assert_eq!(
            lang(&headers(&[("accept-language", "en-GB,es;q=0.5")])),
            Lang::En
        );
        let chosen = headers(&[
            ("accept-language", "en"),
            ("cookie", "a=b; __Host-tejido-lengua=es"),
        ]);
        assert_eq!(lang(&chosen), Lang::Es);
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let h = headers(&[("cookie", "x=1; __Host-tejido=abc"), ("cookie", "y=2")]);
        assert_eq!(cookie(&h, "__Host-tejido"), Some("abc"));
        assert_eq!(
            cookie(&headers(&[("cookie", "__Host-tejido=")]), "__Host-tejido"),
            None
        );
        assert_eq!(
            cookie(&headers(&[("cookie", "tejido=abc")]), "__Host-tejido"),
            None
        );
    }
}
