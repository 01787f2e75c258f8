/** Why a user signs in: an agent, verified, that asks for something at a resource or who they are, or a device to connect. */
export type SignInCause = { readonly agent: string; readonly resource: string } | 'device'
