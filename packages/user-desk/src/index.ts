export type { Desk, UpstreamAccount, UserClaims } from '@countersign/auth-server'
export type { Fetcher } from '@countersign/discovery'
export type { ReceivedMessage } from '@countersign/httpsig'
export type { HoursCondition } from '@countersign/protocol'
export { type Invitation, type InviteOptions, inviteUser } from './account/invitations.js'
export { type HostSessionOptions, hostSession } from './login/host-session.js'
export {
  type DemoLogin,
  type DemoUser,
  demoUsers,
  type LoginMethod,
  type LoginProvider,
  type LoginStart,
} from './login/login-method.js'
export type { UserDeskOptions } from './options.js'
export type { Branding } from './pages/brand.js'
export type { ConsentDefaults } from './pages/limits-view.js'
export type { PasskeyCredential } from './passkey/credential.js'
export type { AccountCreation, Ceremony, NewPasskey, PasskeyChecks, PasskeyLogin } from './passkey/passkey-login.js'
export { userDesk } from './user-desk.js'
