//! The operator's third door: figures for a monitor, in the OpenMetrics text format, and whether the node lives.
//!
//! **In**: `GET /metrics`, `/health/live`, `/health/ready` over plain HTTP on an address that only the operator's own
//! network reaches (`[operations] listen`; without it there is no such door). **Out**: counts, times and sizes. Nothing
//! here names a person, an account or a query: routes stand by their pattern, never by their address.
//!
//! Cost: one counter, one histogram and one gauge a request; a scrape reads a folder's sizes and `/proc/self`.

use crate::Error;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use store::{Indexing, Phase};
use tokio::net::TcpListener;
use tower::ServiceExt;
use trust::Gate;

/// Upper ends of the classes of time, seconds: from a cached read to the longest request.
const SECONDS: [f64; 13] = [
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// What a request is counted under.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Told {
    method: &'static str,
    route: &'static str,
    /// `2xx`, `4xx`...
    status: &'static str,
}

/// The counters of one node.
#[derive(Clone)]
pub(crate) struct Meter(Arc<Inner>);

struct Inner {
    registry: Registry,
    answered: Family<Told, Counter>,
    seconds: Family<[(&'static str, &'static str); 1], Histogram>,
    open: Gauge,
    /// By why: `too_many` of one caller at once, or the node is `busy`.
    turned_away: Family<[(&'static str, &'static str); 1], Counter>,
    gate: Gate,
}

impl Meter {
    /// Counters for a node whose archive lies in a folder.
    pub(crate) fn new(gate: Gate, data: &Path) -> Meter {
        let mut registry = Registry::with_prefix("tejido");
        let answered = Family::<Told, Counter>::default();
        let seconds =
            Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let open = Gauge::default();
        registry.register("http_requests", "Requests answered", answered.clone());
        registry.register_with_unit(
            "http_request_duration",
            "From the head of a request to the head of its answer",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register("http_requests_open", "Requests at work", open.clone());
        let turned_away = Family::<[(&'static str, &'static str); 1], Counter>::default();
        registry.register(
            "http_requests_turned_away",
            "Requests told to come again: too many of one caller, or the node is busy",
            turned_away.clone(),
        );
        registry.register_collector(Box::new(House {
            data: data.to_owned(),
            gate: gate.clone(),
        }));
        Meter(Arc::new(Inner {
            registry,
            answered,
            seconds,
            open,
            turned_away,
            gate,
        }))
    }

    /// The figures as text.
    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

/// Has a router answer, and counts that. Around it and not a layer of it, which would cost boxes of memory a request.
pub(crate) async fn count(
    meter: Meter,
    router: Router,
    request: Request,
) -> Result<Response, Infallible> {
    let method = match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    };
    let route = route(method, request.uri().path());
    let started = Instant::now();
    meter.0.open.inc();
    // A caller who goes away drops this future; the guard still counts her out.
    let _open = Open(&meter.0.open);
    let answer = router.oneshot(request).await?;
    let seconds = meter.0.seconds.get_or_create(&[("route", route)]);
    seconds.observe(started.elapsed().as_secs_f64());
    let told = Told {
        method,
        route,
        status: class(answer.status()),
    };
    meter.0.answered.get_or_create(&told).inc();
    if let Some(why) = turned_away(answer.status()) {
        meter.0.turned_away.get_or_create(&[("why", why)]).inc();
    }
    Ok(answer)
}

struct Open<'a>(&'a Gauge);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A pattern of one of the lists of routes; pages are one of their own.
fn route(method: &str, path: &str) -> &'static str {
    if let Some(pattern) = api::routes::pattern(method, path) {
        return pattern;
    }
    match path.split('/').nth(1) {
        Some("fhir" | "log" | "health") => "unknown",
        _ => "page",
    }
}

fn turned_away(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some("too_many"),
        StatusCode::SERVICE_UNAVAILABLE => Some("busy"),
        _ => None,
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        0..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// Sizes that are looked up when they are asked for.
#[derive(Debug)]
struct House {
    data: PathBuf,
    gate: Gate,
}

impl Collector for House {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let bytes =
            ConstGauge::new(i64::try_from(crate::files::size(&self.data)).unwrap_or(i64::MAX));
        let place = encoder.encode_descriptor(
            "archive_disk",
            "Files of the archive",
            Some(&Unit::Bytes),
            bytes.metric_type(),
        )?;
        bytes.encode(place)?;
        let Process {
            cpu_seconds,
            resident_bytes,
        } = process();
        let cpu = ConstCounter::new(cpu_seconds);
        let place = encoder.encode_descriptor(
            "process_cpu",
            "Work of all threads",
            Some(&Unit::Seconds),
            cpu.metric_type(),
        )?;
        cpu.encode(place)?;
        let memory = ConstGauge::new(resident_bytes);
        let place = encoder.encode_descriptor(
            "process_resident_memory",
            "Memory in use",
            Some(&Unit::Bytes),
            memory.metric_type(),
        )?;
        memory.encode(place)?;
        self.indexing(encoder)
    }
}

/// One of the figures of an indexing.
type Figure = fn(&Indexing) -> u64;

impl House {
    /// How far the index is with search parameters that were loaded.
    fn indexing(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let all = self.gate.indexing().unwrap_or_default();
        let figures: [(&str, &str, Figure); 2] = [
            (
                "search_parameter_done",
                "Resources gone through for a loaded search parameter",
                |one| one.done,
            ),
            (
                "search_parameter_total",
                "Resources to go through for a loaded search parameter",
                |one| one.total,
            ),
        ];
        for (name, help, of) in figures {
            let mut place = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for one in &all {
                let phase = match one.phase {
                    Phase::Coming => "indexing",
                    Phase::Ready => "ready",
                    Phase::Leaving => "removing",
                };
                let labels = [
                    ("code", one.code.clone()),
                    ("number", one.number.to_string()),
                    ("phase", phase.to_owned()),
                ];
                let figure = ConstGauge::new(i64::try_from(of(one)).unwrap_or(i64::MAX));
                figure.encode(place.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// What Linux says of this process; zeros elsewhere.
pub(crate) struct Process {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: i64,
}

/// Reads `/proc/self`: time in hundredths of a second (fields 14 and 15 of `stat`), memory in pages of 4 kB (`statm`).
pub(crate) fn process() -> Process {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    // The name in field 2 may hold spaces, so count after its bracket.
    let stat = read("/proc/self/stat");
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    let pages: i64 = read("/proc/self/statm")
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or_default();
    Process {
        cpu_seconds: ticks as f64 / 100.0,
        resident_bytes: pages * 4096,
    }
}

/// Serves the door until the node stops.
pub(crate) async fn serve(
    listener: TcpListener,
    meter: Meter,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(|| std::future::ready("live\n")))
        .route("/health/ready", get(ready))
        .with_state(meter);
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
        .map_err(|error| error.to_string())
}

async fn metrics(State(meter): State<Meter>) -> Response {
    let made = tokio::task::spawn_blocking(move || meter.text()).await;
    match made {
        Ok(Ok(text)) => {
            let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, form)], text).into_response()
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Ready when the archive can be read.
async fn ready(State(meter): State<Meter>) -> Response {
    let gate = meter.0.gate.clone();
    let read = tokio::task::spawn_blocking(move || gate.log_file("checkpoint").is_some()).await;
    match read {
        Ok(true) => "ready\n".into_response(),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the archive cannot be read\n",
        )
            .into_response(),
    }
}

/// Listens for the operator.
pub(crate) async fn listen(address: &str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| {
        Error::say(format!(
            "[operations] listen = \"{address}\": {error}; choose a free port of this machine, such as 127.0.0.1:9464"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_counted_by_its_pattern_and_names_nobody() {
        assert_eq!(
            route("GET", "/fhir/Patient/GOMC850101MDFXXX09"),
            "/fhir/{type}/{id}"
        );
        assert_eq!(route("GET", "/fhir/Patient/1/2/3/4"), "unknown");
        assert_eq!(route("GET", "/persona/abc"), "page");
    }

    #[test]
    fn this_process_has_worked_and_uses_memory() {
        if cfg!(target_os = "linux") {
            assert!(process().resident_bytes > 0);
        }
    }
}
