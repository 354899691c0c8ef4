//! A person at a browser, as far as pages without script need one: cookies, links, forms with their hidden fields.

use crate::Error;
use std::collections::BTreeMap;
use std::path::Path;

/// Somebody at a browser, on one institution's pages.
pub struct Browser {
    base: String,
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    /// The page she looks at.
    pub page: String,
    /// Its status.
    pub status: u16,
}

impl Browser {
    /// Opens a browser that trusts exactly the certificate of this node's folder.
    ///
    /// # Errors
    /// When the certificate cannot be read.
    pub fn open(base: &str, dir: &Path) -> Result<Browser, Error> {
        let pem = crate::files::read(&dir.join(crate::init::names::CERTIFICATE))?;
        let http = reqwest::Client::builder()
            .use_preconfigured_tls(tls(&pem)?)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| Error::say(e.to_string()))?;
        Ok(Browser {
            base: base.to_owned(),
            http,
            cookies: BTreeMap::new(),
            page: String::new(),
            status: 0,
        })
    }

    /// Goes to a path and follows where it leads.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn go(&mut self, path: &str) -> Result<(), Error> {
        self.send(reqwest::Method::GET, path, None).await
    }

    /// Fills the form that goes to a path starting so (its hidden fields are taken along), and sends it.
    ///
    /// # Errors
    /// When the page has no such form, or the node does not answer.
    pub async fn submit(&mut self, action: &str, fields: &[(&str, &str)]) -> Result<(), Error> {
        let form = form(&self.page, action)
            .ok_or_else(|| Error::say(format!("the page has no form that goes to {action}…")))?;
        let mut body: Vec<(String, String)> = form.hidden;
        body.extend(
            fields
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
        );
        self.send(reqwest::Method::POST, &form.action, Some(body))
            .await
    }

    /// The first link of the page whose address starts so, without its query and fragment.
    ///
    /// # Errors
    /// When there is none.
    pub fn link(&self, start: &str) -> Result<String, Error> {
        let quoted = format!("href=\"{start}");
        let at = self
            .page
            .find(&quoted)
            .ok_or_else(|| Error::say(format!("the page has no link to {start}…")))?;
        let rest = self.page.get(at + 6..).unwrap_or_default();
        Ok(unescape(
            rest.split(['"', '?', '#']).next().unwrap_or_default(),
        ))
    }

    async fn send(
        &mut self,
        method: reqwest::Method,
        path: &str,
        form: Option<Vec<(String, String)>>,
    ) -> Result<(), Error> {
        let (mut method, mut path, mut form) = (method, path.to_owned(), form);
        for _ in 0..5 {
            let mut request = self
                .http
                .request(method.clone(), format!("{}{path}", self.base));
            let cookies: Vec<String> = self
                .cookies
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            request = request
                .header("cookie", cookies.join("; "))
                .header("origin", &self.base);
            if let Some(fields) = form.take() {
                let body: Vec<String> = fields
                    .iter()
                    .map(|(n, v)| format!("{}={}", encode(n), encode(v)))
                    .collect();
                request = request
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(body.join("&"));
            }
            let answer = request
                .send()
                .await
                .map_err(|e| Error::say(format!("{}{path}: {e}", self.base)))?;
            self.remember(answer.headers());
            self.status = answer.status().as_u16();
            let onward = answer
                .headers()
                .get("location")
                .and_then(|l| l.to_str().ok())
                .map(str::to_owned);
            self.page = answer.text().await.map_err(|e| Error::say(e.to_string()))?;
            match onward {
                Some(onward) if (300..400).contains(&self.status) => {
                    (method, path) = (reqwest::Method::GET, onward)
                }
                _ => return Ok(()),
            }
        }
        Err(Error::say(format!("{path}: led in circles")))
    }

    fn remember(&mut self, headers: &reqwest::header::HeaderMap) {
        for cookie in headers
            .get_all("set-cookie")
            .iter()
            .filter_map(|c| c.to_str().ok())
        {
            if let Some((name, value)) = cookie
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
            {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// Trust in exactly these certificates.
fn tls(pem: &[u8]) -> Result<rustls::ClientConfig, Error> {
    use rustls_pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| Error::say(e.to_string()))?;
        roots
            .add(certificate)
            .map_err(|e| Error::say(e.to_string()))?;
    }
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::say(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

struct Form {
    action: String,
    hidden: Vec<(String, String)>,
}

/// The first form of a page whose action starts so.
fn form(page: &str, action: &str) -> Option<Form> {
    page.split("<form").skip(1).find_map(|text| {
        let text = text.split("</form").next()?;
        let own = attribute(text.split('>').next()?, "action")?;
        let hidden = text.split("<input").skip(1).filter_map(|input| {
            let input = input.split('>').next()?;
            (attribute(input, "type")? == "hidden")
                .then(|| Some((attribute(input, "name")?, attribute(input, "value")?)))?
        });
        own.starts_with(action).then(|| Form {
            action: own,
            hidden: hidden.collect(),
        })
    })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
    Some(unescape(rest.split('"').next()?))
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
        .replace("&#38;", "&")
}

fn encode(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    text.bytes()
        .map(|b| {
            if plain(b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_found_by_where_it_goes_with_its_hidden_fields() {
        let page = r#"<form action="/a"><input type="hidden" name="x" value="1"></form>
            <form class="p" method="post" action="/b/c&amp;d"><input type="hidden" name="csrf" value="t&#34;k"><input name="y"></form>"#;
        let form = form(page, "/b").unwrap();
        assert_eq!(form.action, "/b/c&d");
        assert_eq!(form.hidden, [("csrf".to_owned(), "t\"k".to_owned())]);
        assert!(super::form(page, "/z").is_none());
    }
    #[test]
    fn what_is_typed_travels_whole() {
        assert_eq!(encode("Ñandú & co"), "%C3%91and%C3%BA%20%26%20co");
    }
}
