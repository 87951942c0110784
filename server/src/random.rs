//! Where the relay's randomness comes from. Logic takes a `&mut dyn rand::Rng`; only drivers ask here.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{SeedableRng, rngs::StdRng};

/// A source of generators; cheap to clone, all clones share one root.
#[derive(Clone, Debug)]
pub struct Random {
    // A std Mutex: it is held for drawing one seed, never across an await.
    root: Arc<Mutex<StdRng>>,
}

impl Random {
    /// Seeded by the operating system: for credentials and ids of a real relay.
    ///
    /// # Errors
    /// [`rand::rngs::SysError`] if the operating system has no randomness to give.
    pub fn system() -> Result<Self, rand::rngs::SysError> {
        Ok(Self { root: Arc::new(Mutex::new(StdRng::try_from_rng(&mut rand::rngs::SysRng)?)) })
    }

    /// The same numbers every time: for tests and simulations only.
    pub fn seeded(seed: u64) -> Self {
        Self { root: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))) }
    }

    /// A generator of its own for one piece of work, to move into the writer's closure.
    pub fn generator(&self) -> StdRng {
        let mut root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        StdRng::from_rng(&mut *root)
    }
}
