//! The audit events about mail.

use super::event::{Event, EventKind};
use super::store::append;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::refs::Ref;
use crate::db::Tx;
use crate::infra::outbox::{Claim, Ending, Verdict};

/// The event about a mail that was sent or abandoned.
pub struct MailStatus(Option<Event>);

impl MailStatus {
    /// Returns the status of the mail that a job about `thing` sent or failed to send.
    pub fn about(ctx: &Context, thing: impl Ref, claim: &Claim, verdict: &Verdict) -> Self {
        let event = |outcome| {
            Event::about(ctx, thing, EventKind::EMAIL_STATUS_CHANGE, outcome)
                .detail("mail", &claim.kind)
                .detail("attempts", claim.attempt)
        };
        Self(match verdict {
            Verdict::Done => Some(event("SENT")),
            Verdict::Never(reason) => Some(event("FAILED").detail("reason", reason)),
            Verdict::Moot | Verdict::Later(_) => None,
        })
    }
}

impl Ending for MailStatus {
    async fn ended(&self, tx: &mut Tx) -> Result<()> {
        match &self.0 {
            Some(event) => append(tx, event).await,
            None => Ok(()),
        }
    }
}
