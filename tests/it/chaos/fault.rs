//! A fault: its name, its action, and the checks that it adds to those of every run.

use futures_util::future::LocalBoxFuture;

use super::report::Report;
use super::scene::{Plan, Scene};

/// Sets up a run. Most faults use [`start_scene`].
pub type Start = for<'a> fn(&'a Plan) -> LocalBoxFuture<'a, Option<Scene>>;

/// Injects the fault and returns when it is over.
pub type Inject = for<'a> fn(&'a mut Scene) -> LocalBoxFuture<'a, ()>;

/// A fault that can be injected into a running cluster.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Its name on the command line.
    pub name: &'static str,
    /// A one-line description.
    pub about: &'static str,
    /// Sets up the run.
    pub start: Start,
    /// Settings of the nodes that differ from the defaults, to shorten the run.
    pub settings: &'static [(&'static str, &'static str)],
    /// Injects it.
    pub inject: Inject,
    /// Checks besides those of every run.
    pub expects: &'static [Check],
}

/// A condition on the report of a run.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The condition as a sentence without a full stop.
    pub name: &'static str,
    /// Describes the violation, if there is one.
    pub holds: fn(&Report) -> Result<(), String>,
}

/// Redis, nodes, a balancer and a crowd, as planned.
pub fn start_scene(plan: &Plan) -> LocalBoxFuture<'_, Option<Scene>> {
    Box::pin(Scene::start(plan))
}
