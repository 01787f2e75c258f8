// For the other packages of this project, not for users: these names may change in any release (no semver).

export { makeInvitation } from './account/invitations.js'
export { approvalPagesOf } from './approval/approval-pages.js'
export { identitiesOf } from './login/identities.js'
export { finish } from './login/provider-sign-in.js'
export { brandOf } from './pages/brand.js'
export type { ConsentView } from './pages/consent-view.js'
export type { Look } from './pages/look.js'
export { passkeysOf } from './passkey/passkey-store.js'
