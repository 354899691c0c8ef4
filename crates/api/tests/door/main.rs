//! The door from outside: a real gate over a folder that goes away, requests without sockets (and one with TLS).

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod bad_input;
mod bundles;
mod changes;
mod conditional;
mod consents;
mod house;
mod leaks;
mod lives;
mod matrix;
mod parameters;
mod purposes;
mod registry;
mod rest;
mod searches;
mod terms;
mod timing;
mod tls;
mod wish;
