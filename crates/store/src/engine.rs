//! The smallest contract that an embedded store and a distributed database both keep well. (Skeleton.)

/// Ordered keys, one atomic durable commit, snapshots.
pub trait Engine: Send + Sync {}
