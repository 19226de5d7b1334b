//! The products that an organization's collectors have seen, so that only those of the vendor's large catalogue are shown.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

/// Product ids, by the collector that saw them in its last good run.
pub(super) type Products = BTreeMap<&'static str, BTreeSet<String>>;

/// Where collectors say which products they have seen, and others learn of it.
#[derive(Default)]
pub(super) struct Seen(watch::Sender<Products>);

impl Seen {
    /// `collector` has now seen `products`, and no longer what it saw before.
    pub(super) fn saw(&self, collector: &'static str, products: BTreeSet<String>) {
        self.0.send_if_modified(|seen| {
            let is_news = seen.get(collector) != Some(&products);
            seen.insert(collector, products);
            is_news
        });
    }

    /// What `collector` has seen last.
    pub(super) fn by(&self, collector: &'static str) -> BTreeSet<String> {
        self.0.borrow().get(collector).cloned().unwrap_or_default()
    }

    /// Learns of what is seen from now on.
    pub(super) fn watch(&self) -> watch::Receiver<Products> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_news_wakes_those_who_watch() {
        let seen = Seen::default();
        let mut watch = seen.watch();
        let products = BTreeSet::from(["TD-X-1".to_owned()]);
        seen.saw("usage", products.clone());
        assert!(watch.has_changed().unwrap());
        assert_eq!(watch.borrow_and_update()["usage"], products);
        seen.saw("usage", products);
        assert!(!watch.has_changed().unwrap());
        seen.saw("usage", BTreeSet::new());
        assert!(watch.has_changed().unwrap());
    }
}
