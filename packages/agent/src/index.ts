export type { User } from '@countersign/verify'
export { type Agent, type AgentOptions, createAgent } from './agent.js'
export { AgentError, type AgentErrorCode, type Refusal } from './error.js'
export { type AgentEvent, type Explanation, explain, type Outcome, type Step, type StepKind } from './explanation.js'
export type { AccessHints, AccessRequest } from './fetch/access.js'
export type { Granted, SignIn } from './fetch/sign-in.js'
export { RefusedError, throwOnRefusal } from './fetch/throw-on-refusal.js'
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
export type { Visit, VisitUrl } from './interact/browser-interaction.js'
export { type CallbackRouteOptions, callbackRoute } from './interact/callback-route.js'
export { type DeviceCode, type DeviceCodeOptions, deviceCode } from './interact/device-code.js'
export { type AgentState, memoryState, type StateKeys } from './state/state.js'
export type { View } from './view.js'
