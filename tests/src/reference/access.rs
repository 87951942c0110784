//! R1 to R8 and R11, R12: what a member sees, and of what they are told.

/// R1, R2: what a role's kind allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sets the workspace up.
    Administrator,
    /// Works in conversations.
    User,
}

/// R3: dashboard access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dashboard {
    /// R4.
    All,
    /// R5.
    Assigned,
    /// R6.
    None,
}

/// R7: which contacts' records a role opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// Every one.
    All,
    /// Those that they own or that are shared with them.
    Own,
    /// None.
    None,
}

/// R7: message access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messages {
    /// Look and reply.
    Write,
    /// Look.
    Read,
    /// Neither.
    None,
}

/// A member with what they are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Their role's kind; R2: a member may hold no role.
    pub kind: Option<Kind>,
    /// Their dashboard access, the role's or their own (R3).
    pub dashboard: Dashboard,
    /// Their role's contact access.
    pub records: Records,
    /// Their role's message access.
    pub messages: Messages,
}

/// How a member stands to a conversation and its contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stands {
    /// They are assigned to it.
    pub assigned: bool,
    /// They own the contact's record, or it is shared with them.
    pub own: bool,
}

impl Member {
    /// R2: without a role there is no dashboard and no record.
    fn has_role(&self) -> bool {
        self.kind.is_some()
    }

    /// R1: whether they change the set-up.
    pub fn administers(&self) -> bool {
        self.kind == Some(Kind::Administrator)
    }

    /// R4: every conversation is on their dashboard.
    pub fn sees_all(&self) -> bool {
        self.has_role() && self.dashboard == Dashboard::All
    }

    /// R4 to R6: whether a conversation is on their dashboard.
    pub fn on_dashboard(&self, stands: Stands) -> bool {
        match self.dashboard {
            _ if !self.has_role() => false,
            Dashboard::All => true,
            Dashboard::Assigned => stands.assigned,
            Dashboard::None => false,
        }
    }

    /// R7: whether they may open the contact's record.
    pub fn opens_record(&self, stands: Stands) -> bool {
        match self.records {
            _ if !self.has_role() => false,
            Records::All => true,
            Records::Own => stands.own,
            Records::None => false,
        }
    }

    /// R7: whether a conversation opens to them from its contact's record, for which they need to read messages.
    pub fn by_record(&self, stands: Stands) -> bool {
        self.opens_record(stands) && self.messages != Messages::None
    }

    /// Whether they see a conversation, on the dashboard (R4, R5: whatever their message access) or by the record (R7).
    pub fn sees(&self, stands: Stands) -> bool {
        self.on_dashboard(stands) || self.by_record(stands)
    }

    /// R7: the card of a contact with whom there is a conversation.
    pub fn sees_card(&self, stands: Stands) -> bool {
        self.opens_record(stands) || self.sees(stands)
    }

    /// R7: `write` is needed to reply anywhere.
    pub fn writes(&self) -> bool {
        self.has_role() && self.messages == Messages::Write
    }

    /// R8: who has `none` can't be newly assigned; nor who has no role (R2: as R6).
    pub fn can_be_assigned(&self) -> bool {
        self.has_role() && self.dashboard != Dashboard::None
    }

    /// R11 to R13: whether they are told of a message from the contact, if nobody else is assigned.
    pub fn is_alerted(&self, stands: Stands) -> bool {
        // R8: an assignment that is left to one with `none` counts as nobody.
        if stands.assigned { self.can_be_assigned() } else { self.sees_all() }
    }
}
