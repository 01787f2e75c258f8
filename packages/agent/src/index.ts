export type { Directory, Fetcher } from '@countersign/discovery'
export type { SigningKey } from '@countersign/httpsig'
export type { IdentifierList, Level, PublishedKey } from '@countersign/protocol'
export type { User } from '@countersign/verify'
export { type Agent, type AgentOptions, createAgent } from './agent.js'
export { AgentError, type AgentErrorCode, type Refusal } from './error.js'
export type { Exchanged, Pending, PendingConsent, PendingPage } from './exchange/exchanging-agent.js'
export { type AgentEvent, type Explanation, explain, type Outcome, type Step, type StepKind } from './explanation.js'
export type { AccessHints, AccessRequest } from './fetch/access.js'
export type { BotRequest, Line, WebBotAuth } from './fetch/climb-context.js'
export type { Granted } from './fetch/granted.js'
export type { AgentRequestInit } from './fetch/outgoing.js'
export type { SignIn } from './fetch/sign-in.js'
export { RefusedError, throwOnRefusal } from './fetch/throw-on-refusal.js'
export type { Grant } from './grant/grants.js'
export type { Interact } from './grant/interact.js'
export type { Enrollment, EnrollmentMembers, EnrollmentRequest } from './identity/enrollment.js'
export {
  agentServer,
  type DelegateIdentity,
  delegate,
  type Identity,
  type OwnKey,
  pseudonym,
} from './identity/identity.js'
export type { AskedOperation, ShownQuestion } from './interact/asked-operation.js'
export type { Visit, VisitUrl } from './interact/browser-interaction.js'
export { type CallbackRouteOptions, callbackRoute } from './interact/callback-route.js'
export { type DeviceCode, type DeviceCodeOptions, deviceCode } from './interact/device-code.js'
export { type InboxOptions, type InboxQuestion, inbox } from './interact/inbox.js'
export { type AgentState, memoryState, type StateKeys } from './state/state.js'
export type { View } from './view.js'
