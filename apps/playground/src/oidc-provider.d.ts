declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  /** What the provider asks a user before it answers a request. */
  interface Interaction {
    readonly prompt: {
      readonly name: string
      readonly details: { readonly missingResourceScopes?: Readonly<Record<string, readonly string[]>> }
    }
    readonly params: { readonly client_id: string; readonly scope: string }
    readonly session?: { readonly accountId: string }
  }

  interface Grant {
    addOIDCScope(scope: string): void
    addResourceScope(indicator: string, scope: string): void
    save(): Promise<string>
  }

  /** The context of a token request. */
  export interface GrantContext {
    readonly oidc: {
      readonly params: Readonly<Record<string, unknown>>
      readonly client: { readonly clientId: string }
    }
    body: object
    /** What the playground adds to a token, between its grant and the token. */
    exchanged?: object
  }

  interface AccessToken {
    resourceServer: object
    save(): Promise<string>
  }

  type OAuthError = new (description: string) => Error

  export const errors: { readonly InvalidTarget: OAuthError; readonly InvalidRequest: OAuthError }

  /** The part that the playground uses; the published types do not compile strictly. */
  export default class Provider {
    constructor(issuer: string, configuration: object)
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: object,
      options?: { readonly mergeWithLastSubmission: boolean },
    ): Promise<void>
    readonly Grant: new (of: {
      readonly accountId: string
      readonly clientId: string
    }) => Grant
    readonly AccessToken: {
      new (of: object): AccessToken
      find(token: string): Promise<{ readonly accountId: string } | undefined>
    }
    readonly ResourceServer: new (
      identifier: string,
      info: object,
    ) => object
    registerGrantType(name: string, handler: (ctx: GrantContext) => Promise<void>, parameters: readonly string[]): void
  }
}
