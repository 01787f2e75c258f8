/** Why a user signs in: for a request of a verified agent, which is its own resource where it only signs users in, or for a device. */
export type SignInCause = { readonly agent: string; readonly resource: string } | 'device'
