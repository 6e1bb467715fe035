//! Outbox jobs that send one mail each.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Mail, Outcome};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::infra::metrics::Metrics;
use crate::infra::outbox::{Claim, Ending, Job, Verdict};

/// A [`Job`] that sends one mail.
pub trait MailJob: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// See [`Job::KIND`].
    const KIND: &'static str;

    /// Builds the mail, identically for every attempt. `None`: it is no longer needed.
    fn mail(&self, app: &App, claim: &Claim) -> impl Future<Output = Result<Option<Mail>>> + Send;

    /// See [`Job::ending`].
    fn ending(&self, ctx: &Context, claim: &Claim, verdict: &Verdict) -> impl Ending;
}

impl<J: MailJob> Job for J {
    const KIND: &'static str = J::KIND;

    async fn run(&self, app: &App, claim: &Claim) -> Verdict {
        let mail = match self.mail(app, claim).await {
            Ok(Some(mail)) => mail,
            Ok(None) => return Verdict::Moot,
            Err(error) => return Verdict::Later(error.to_string()),
        };
        match app.mailer.send(&mail).await {
            Outcome::Accepted => Verdict::Done,
            Outcome::Refused(reason) => Verdict::Never(reason),
            Outcome::Failed(reason) => Verdict::Later(reason),
        }
    }

    fn count(metrics: &Metrics, verdict: &Verdict) {
        match verdict {
            Verdict::Done => metrics.mail_sent(),
            Verdict::Moot => {}
            Verdict::Later(_) => metrics.mail_postponed(),
            Verdict::Never(_) => metrics.mail_given_up(),
        }
    }

    fn ending(&self, ctx: &Context, claim: &Claim, verdict: &Verdict) -> impl Ending {
        MailJob::ending(self, ctx, claim, verdict)
    }
}
