//! The desk through the pages: somebody without a telephone gets a page of her own and rules in it, with a clerk beside her.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use axum::http::StatusCode;
use common::{CURP, network, remember};
use pages::{Browser, account, find};
use trust::Role;

#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_a_telephone_gets_a_page_and_rules_in_it_with_help() {
    let nodes = network().await;
    remember(&nodes[0], "Diabetes mellitus tipo 2");
    account(&nodes[0], "carmen", Role::Clerk, None);
    account(&nodes[0], "rosa", Role::Privacy, None);
    let mut carmen = Browser::at(&nodes[0]);
    carmen.sign_in("carmen").await;
    let csrf = carmen.get("/mostrador").await.csrf().to_owned();
    let mut fields = vec![
        ("csrf", csrf.as_str()),
        ("curp", CURP),
        ("name", "María Fernanda Escamilla"),
        ("document", "ine"),
        ("number", "IDMEX123"),
        ("new_secret", "secreta-7"),
        ("again", "secreta-8"),
    ];
    let differ = carmen.post("/mostrador/pagina", &fields).await;
    assert_eq!(differ.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(differ.html.contains("href=\"#again\""), "{}", differ.html);
    assert!(
        !differ.html.contains("secreta-"),
        "a secret comes back on no page"
    );
    fields[6].1 = "secreta-7";
    let early = carmen.post("/mostrador/pagina", &fields).await;
    assert!(
        early.html.contains("Primero búscala y recíbela"),
        "{}",
        early.html
    );
    let (person, _) = find(&carmen).await;
    carmen
        .post(&format!("{person}/recibir"), &[("csrf", &csrf)])
        .await;
    let made = carmen.post("/mostrador/pagina", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.html);

    let she = [
        ("csrf", csrf.as_str()),
        ("login", CURP),
        ("secret", "secreta-7"),
    ];
    let entered = carmen.post("/mostrador/entrar", &she).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.html);
    let cookies: Vec<&str> = entered
        .headers
        .get_all("set-cookie")
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next())
        .collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    let mut helped = Browser {
        pages: carmen.pages.clone(),
        cookie: cookies.join("; "),
    };
    let home = helped.get("/").await;
    assert!(
        home.html.contains("id=\"con-ayuda\"") && !home.html.contains("href=\"/historia\""),
        "{}",
        home.html
    );
    let record = helped.get("/historia").await;
    assert_eq!(record.status, StatusCode::FORBIDDEN);
    assert!(
        record
            .html
            .contains("En el mostrador no se abre tu historia")
            && !record.html.contains("Diabetes"),
        "{}",
        record.html
    );
    let csrf = home.csrf().to_owned();
    let rule = [
        ("csrf", csrf.as_str()),
        ("verb", "close"),
        ("who", "kind:pharmacy"),
        ("what", "laboratory"),
        ("until", "always"),
    ];
    let said = helped.post("/reglas", &rule).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    let looks = helped.get("/accesos").await;
    assert!(
        looks.html.contains("Con ayuda de Dra. Ana Ruiz"),
        "{}",
        looks.html
    );

    // She is done: the browser is the clerk's again, and hers is closed.
    let ended = helped.post("/mostrador/terminar", &[("csrf", &csrf)]).await;
    assert_eq!(ended.location, "/mostrador");
    let closed = helped.get("/reglas").await;
    assert_eq!(closed.location, "/entrar");
    let back = ended.cookie.split(';').next().unwrap().to_owned();
    helped.cookie = back;
    let desk = helped.get("/mostrador").await;
    assert_eq!(desk.status, StatusCode::OK, "{}", desk.html);

    let mut rosa = Browser::at(&nodes[0]);
    rosa.sign_in("rosa").await;
    assert_eq!(rosa.get("/mostrador").await.status, StatusCode::FORBIDDEN);
}
