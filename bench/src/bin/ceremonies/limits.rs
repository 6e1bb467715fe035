//! What the server's core could do if ceremonies were nothing but their bare parts: cryptography,
//! making it durable, and HTTP.

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use keymoor_bench::cores::{ThreadClock, pin};
use keymoor_bench::pace::Pace;
use tokio::net::TcpListener;

use super::flows::Flow;

/// About as long as what is signed, in bytes: the signing inputs of a proof, of the request JWT
/// of `/authorize`, of an access token and of an ID token.
const PROOF: usize = 1_400;
const REQUEST: usize = 2_000;
const ACCESS_TOKEN: usize = 1_000;
const ID_TOKEN: usize = 600;
const LINK_TOKEN: usize = 64;

/// What a core does of a flow's bare parts, one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) flow: Flow,
    /// Of one whole ceremony.
    pub(crate) cryptography: Pace,
    /// Of one transaction that shares its `fdatasync` with no other.
    pub(crate) durable: Pace,
    /// Of one request.
    pub(crate) empty_handler: Pace,
}

impl Limit {
    /// Processor time of one ceremony, in microseconds.
    pub(crate) fn us(&self) -> f64 {
        self.cryptography.us
            + self.flow.transactions() * self.durable.us
            + self.flow.requests() * self.empty_handler.us
    }

    /// How many one core could do in a second.
    pub(crate) fn per_s(&self) -> f64 {
        1e6 / self.us()
    }

    /// What lies between two measurements of one flow.
    pub(crate) fn between(self, other: Self) -> Self {
        Self {
            flow: self.flow,
            cryptography: self.cryptography.between(other.cryptography),
            durable: self.durable.between(other.durable),
            empty_handler: self.empty_handler.between(other.empty_handler),
        }
    }
}

/// The cryptography of a flow and nothing else.
pub(crate) fn cryptography(flow: Flow, time: Duration) -> Result<Pace> {
    let work = Work::new();
    Pace::measure(time, || {
        work.once(flow);
        Ok(())
    })
}

struct Work {
    pair: EcdsaKeyPair,
    proof: Vec<u8>,
    signature: Vec<u8>,
}

impl Work {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .expect("key generation has no input that could be wrong");
        let proof = vec![b'p'; PROOF];
        let signature = pair
            .sign(&SystemRandom::new(), &proof)
            .expect("a valid key signs every message");
        Self {
            signature: signature.as_ref().to_vec(),
            pair,
            proof,
        }
    }

    fn once(&self, flow: Flow) {
        match flow {
            Flow::Bind => {
                self.verify();
                black_box(digest(&SHA256, black_box(&[b't'; LINK_TOKEN])));
            }
            Flow::SignIn => {
                self.verify();
                for length in [REQUEST, ACCESS_TOKEN, ID_TOKEN] {
                    self.sign(length);
                }
            }
            Flow::ClientCredentials => self.sign(ACCESS_TOKEN),
        }
    }

    /// With a key that has just been read, as every device's is.
    fn verify(&self) {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key());
        key.verify(black_box(&self.proof), black_box(&self.signature))
            .expect("the signature is over this message");
    }

    fn sign(&self, length: usize) {
        const MESSAGE: [u8; REQUEST] = [b'm'; REQUEST];
        let signature = self
            .pair
            .sign(&SystemRandom::new(), black_box(&MESSAGE[..length]));
        black_box(signature.expect("a valid key signs every message"));
    }
}

/// An HTTP server with a single handler that does nothing.
pub(crate) struct EmptyHandler {
    pub(crate) address: SocketAddr,
    /// The thread that answers.
    pub(crate) worker: ThreadClock,
}

impl EmptyHandler {
    /// Serves on `core` for as long as this process lives.
    pub(crate) fn start(core: usize) -> Result<Self> {
        let (told, started) = mpsc::channel();
        thread::spawn(move || {
            let serving = serve_nothing(core, &told);
            // Also errors before the first connection.
            let _listened_to = told.send(serving.and_then(|()| bail!("the listener closed")));
        });
        started.recv().context("the empty handler panicked")?
    }
}

fn serve_nothing(core: usize, told: &mpsc::Sender<Result<EmptyHandler>>) -> Result<()> {
    pin(core)?;
    let (worker_told, worker) = mpsc::channel();
    // As the server itself does on one core.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(move || {
            let _listened_to = worker_told.send(ThreadClock::of_this_thread());
        })
        .enable_all()
        .build()?;
    let worker = worker.recv().context("no worker started")??;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        told.send(Ok(EmptyHandler { address, worker }))?;
        let listener = listener.tap_io(|connection| {
            let _without = connection.set_nodelay(true);
        });
        let routes = Router::new().route("/", get(|| async {}));
        Ok(axum::serve(listener, routes).await?)
    })
}
