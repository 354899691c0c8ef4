//! The binary's parts: command line, configuration, composition.
//!
//! **In**: what an operator types, and a node's folder. **Out**: nodes that run, files that are loaded, receipts that are
//! checked. All rules are in the rooms below; here they are only put together.
//!
//! Start reading at [`cli`] (what can be typed), then [`house`] (opening a node's folder), [`node`] (a node that
//! runs) and [`import`].

pub mod account;
mod admin;
mod archive;
mod backup;
pub mod bench;
pub mod cli;
mod config;
pub mod demo;
mod error;
pub mod files;
pub mod house;
pub mod import;
pub mod init;
pub mod keys;
mod linkage;
mod load;
mod migrate;
pub mod node;
mod operations;
pub mod out;
pub mod pact;
mod parameter;
mod replay;
mod serve;
mod upkeep;
pub mod verify;

pub use config::{Archive, Config, EngineKind, Limits, NodeDoor, OperationsDoor, PublicDoor};
pub use error::Error;
