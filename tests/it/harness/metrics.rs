//! The metrics of a node, read from its Prometheus text.

use std::collections::BTreeMap;

use super::Http;

/// The values of `/metrics` at one moment.
#[derive(Debug)]
pub struct Metrics(BTreeMap<String, f64>);

impl Http {
    /// The metrics of the node.
    pub async fn metrics(self) -> Metrics {
        Metrics::parse(std::str::from_utf8(&self.get("/metrics").await.body).expect("text"))
    }
}

impl Metrics {
    fn parse(text: &str) -> Self {
        let mut values = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let value = value.parse::<f64>().expect("a number");
            let name = series.split('{').next().expect("a name");
            *values.entry(name.to_owned()).or_default() += value;
            if name != series {
                values.insert(series.to_owned(), value);
            }
        }
        Self(values)
    }

    /// The value of a series by its name with labels, or the sum of a metric's series by its name; `None` if the
    /// node has none.
    pub fn get(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }

    /// The same for a series that the node must have.
    pub fn value(&self, series: &str) -> f64 {
        self.get(series).unwrap_or_else(|| panic!("{series} in {self:?}"))
    }
}
