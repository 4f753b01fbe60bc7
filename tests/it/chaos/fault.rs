//! What a fault is: a name, what it does, and what must hold when it is over besides what always must.

use futures_util::future::LocalBoxFuture;

use super::report::Report;
use super::scene::{Plan, Scene};

/// Sets up a run. Most faults use [`start_scene`].
pub type Start = for<'a> fn(&'a Plan) -> LocalBoxFuture<'a, Option<Scene>>;

/// Does the harm and returns when it is over.
pub type Inject = for<'a> fn(&'a mut Scene) -> LocalBoxFuture<'a, ()>;

/// Something that can go wrong in a running cluster.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Sets up the run.
    pub start: Start,
    /// Settings of the nodes that differ from the defaults, for the sake of time.
    pub settings: &'static [(&'static str, &'static str)],
    /// Does it.
    pub inject: Inject,
    /// What must hold besides what always must.
    pub expects: &'static [Check],
}

/// Something that must hold of a run.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// What, as a sentence without a full stop.
    pub name: &'static str,
    /// Finds what is wrong.
    pub holds: fn(&Report) -> Result<(), String>,
}

/// Redis, nodes, a balancer and a crowd, as planned.
pub fn start_scene(plan: &Plan) -> LocalBoxFuture<'_, Option<Scene>> {
    Box::pin(Scene::start(plan))
}
