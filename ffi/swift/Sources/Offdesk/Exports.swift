// What lists and views are made of comes from the generated module as it is: immutable structs and enums, `Sendable` and
// `Hashable`, with the library's documentation. The generated `Device` and its list objects stay behind ``Offdesk``.

@_exported import enum OffdeskBindings.AlertReason
@_exported import enum OffdeskBindings.AssigneeFilter
@_exported import enum OffdeskBindings.AssignmentReason
@_exported import enum OffdeskBindings.Attention
@_exported import enum OffdeskBindings.BulkAction
@_exported import enum OffdeskBindings.CannedRef
@_exported import enum OffdeskBindings.Channel
@_exported import enum OffdeskBindings.Connection
@_exported import enum OffdeskBindings.Consent
@_exported import enum OffdeskBindings.ContactAccess
@_exported import enum OffdeskBindings.DashboardAccess
@_exported import enum OffdeskBindings.Deed
@_exported import enum OffdeskBindings.Delivery
@_exported import enum OffdeskBindings.HeldBecause
@_exported import enum OffdeskBindings.LogLevel
@_exported import enum OffdeskBindings.MessageAccess
@_exported import enum OffdeskBindings.MessageKind
@_exported import enum OffdeskBindings.Mute
@_exported import enum OffdeskBindings.Network
@_exported import enum OffdeskBindings.OffdeskError
@_exported import enum OffdeskBindings.Origin
@_exported import enum OffdeskBindings.OutboxState
@_exported import enum OffdeskBindings.Presence
@_exported import enum OffdeskBindings.Priority
@_exported import enum OffdeskBindings.Shows
@_exported import enum OffdeskBindings.Status
@_exported import struct OffdeskBindings.Access
@_exported import struct OffdeskBindings.Alert
@_exported import struct OffdeskBindings.Assignee
@_exported import struct OffdeskBindings.Assignment
@_exported import struct OffdeskBindings.BulkOutcome
@_exported import struct OffdeskBindings.CannedResponse
@_exported import struct OffdeskBindings.Colleague
@_exported import struct OffdeskBindings.Contact
@_exported import struct OffdeskBindings.ContactEdit
@_exported import struct OffdeskBindings.ContactRow
@_exported import struct OffdeskBindings.ConversationPanel
@_exported import struct OffdeskBindings.ConversationRow
@_exported import struct OffdeskBindings.ConversationView
@_exported import struct OffdeskBindings.Counts
@_exported import struct OffdeskBindings.CreatedContact
@_exported import struct OffdeskBindings.CustomerPanel
@_exported import struct OffdeskBindings.EnrolmentCode
@_exported import struct OffdeskBindings.Episode
@_exported import struct OffdeskBindings.Expanded
@_exported import struct OffdeskBindings.ExplainedFact
@_exported import struct OffdeskBindings.Explanation
@_exported import struct OffdeskBindings.Field
@_exported import struct OffdeskBindings.Identifier
@_exported import struct OffdeskBindings.InboxFilter
@_exported import struct OffdeskBindings.InboxPage
@_exported import struct OffdeskBindings.LogRecord
@_exported import struct OffdeskBindings.Me
@_exported import struct OffdeskBindings.Member
@_exported import struct OffdeskBindings.Message
@_exported import struct OffdeskBindings.MessageHit
@_exported import struct OffdeskBindings.MessageHits
@_exported import struct OffdeskBindings.NewContact
@_exported import struct OffdeskBindings.Notices
@_exported import struct OffdeskBindings.OutboxItem
@_exported import struct OffdeskBindings.PageKey
@_exported import struct OffdeskBindings.Panels
@_exported import struct OffdeskBindings.PhoneConsent
@_exported import struct OffdeskBindings.Queue
@_exported import struct OffdeskBindings.QueueCount
@_exported import struct OffdeskBindings.QuietHours
@_exported import struct OffdeskBindings.QuietSpan
@_exported import struct OffdeskBindings.Record
@_exported import struct OffdeskBindings.SavedFilter
@_exported import struct OffdeskBindings.ScheduledAlert
@_exported import struct OffdeskBindings.SearchHit
@_exported import struct OffdeskBindings.Started
@_exported import struct OffdeskBindings.Stats
@_exported import struct OffdeskBindings.SyncReport
@_exported import struct OffdeskBindings.SyncStatus
@_exported import struct OffdeskBindings.TagCount
@_exported import struct OffdeskBindings.TimelineEntry
@_exported import struct OffdeskBindings.Workspace
@_exported import typealias OffdeskBindings.AlertId
@_exported import typealias OffdeskBindings.CannedId
@_exported import typealias OffdeskBindings.ContactId
@_exported import typealias OffdeskBindings.ConversationId
@_exported import typealias OffdeskBindings.DeviceId
@_exported import typealias OffdeskBindings.IntentId
@_exported import typealias OffdeskBindings.MemberId
@_exported import typealias OffdeskBindings.QueueId
@_exported import typealias OffdeskBindings.WorkspaceId

extension Alert: Identifiable {}
extension Contact: Identifiable {}
extension ContactRow: Identifiable {}
extension ConversationRow: Identifiable {}
extension Member: Identifiable {}
extension Message: Identifiable {}
extension Queue: Identifiable {}
extension SavedFilter: Identifiable {}

extension CannedResponse: Identifiable {}

extension Colleague: Identifiable {
    /// Who it is.
    public var id: MemberId { member }
}

extension OutboxItem: Identifiable {
    /// Its intent.
    public var id: IntentId { intent }
}
