import type { Guarded } from '@countersign/resource'

/** The caller in the form that both lines of the SDK have: `AuthInfo`. */
export interface CallerInfo {
  readonly token: string
  readonly clientId: string
  readonly scopes: string[]
  /** Unix seconds. */
  readonly expiresAt?: number
  readonly extra: { readonly aauth: Guarded }
}

/** The caller in the form of the SDK, without a token: a handler could leak it. */
export function authInfoOf(aauth: Guarded): CallerInfo {
  return {
    token: '',
    clientId: aauth.agent ?? aauth.key ?? '',
    scopes: [...aauth.scope],
    ...(aauth.expires === undefined ? {} : { expiresAt: aauth.expires }),
    extra: { aauth },
  }
}
