import type { AAuthError } from '@countersign/protocol'
import { checkOptions, each } from '@countersign/protocol/internal'
import * as client from 'openid-client'

/** Requests to the provider at once: strangers can send any number of browsers, and each costs some. */
const mostAtOnce = 64

/** Options of {@link providerClient}. */
export interface ProviderClientOptions {
  /** The issuer of a provider of OAuth 2.0 or OpenID Connect. Its metadata are read when they are first needed. */
  readonly issuer: URL
  readonly clientId: string
  /** Default: none; a public client, protected by PKCE alone. */
  readonly clientSecret?: string
  /** Seconds that an answer may take. */
  readonly timeout: number
  /** Changes to the configuration, as `openid-client` takes them. */
  readonly execute?: ReadonlyArray<(config: client.Configuration) => void>
  /** Makes the error for a request that failed. */
  readonly refusal: (error: unknown) => AAuthError
  /** Makes the error for too many requests at once. */
  readonly busy: (cause: { readonly underWay: number }) => AAuthError
}

/** A client of a provider. */
export interface ProviderClient {
  /** @throws AAuthError the `refusal` */
  configuration(): Promise<client.Configuration>
  /** Runs `task`, at most 64 at once. @throws AAuthError the `refusal`, or `busy` */
  ask<T>(task: (config: client.Configuration) => Promise<T>): Promise<T>
}

/** Creates a client of a provider. Needs the package `openid-client`. */
export function providerClient(options: ProviderClientOptions): ProviderClient {
  checkOptions('providerClient', options, {
    issuer: 'object',
    clientId: 'string',
    clientSecret: 'string',
    timeout: 'number',
    execute: each('function'),
    refusal: 'function',
    busy: 'function',
  })
  const { refusal, busy } = options
  let discovered: Promise<client.Configuration> | undefined
  let underWay = 0
  const configuration = (): Promise<client.Configuration> => {
    discovered ??= discover(options).catch(error => {
      // Forgotten, so that the next call tries again: the provider may be back by then.
      discovered = undefined
      throw error
    })
    return discovered
  }
  const orRefusal = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer
    } catch (error) {
      throw refusal(error)
    }
  }
  return {
    configuration: () => orRefusal(configuration()),
    async ask(task) {
      if (underWay >= mostAtOnce) throw busy({ underWay })
      underWay++
      try {
        return await orRefusal(configuration().then(task))
      } finally {
        underWay--
      }
    },
  }
}

/** Whether a URL is allowed for a provider: https, or http on a loopback host with `loopbackHttp`. */
// unchecked options o: all members are required, and one that is missing refuses everything
export function isProviderUrl({ protocol, hostname }: URL, o: { readonly loopbackHttp: boolean }): boolean {
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return protocol === 'https:' || (protocol === 'http:' && o.loopbackHttp && isLoopback)
}

/** Returns what may be logged of an error: its name, message and codes. Other members of errors of `openid-client` may hold whole answers, tokens included. */
export function toldBy(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return {}
  const { name, message } = error
  const code = 'code' in error ? { code: error.code } : {}
  const told = 'error' in error ? { error: error.error } : {}
  return { name, message, ...code, ...told }
}

function discover(options: ProviderClientOptions): Promise<client.Configuration> {
  const { issuer, clientId, clientSecret, timeout } = options
  const execute = [...(options.execute ?? []), ...(issuer.protocol === 'http:' ? [client.allowInsecureRequests] : [])]
  return client.discovery(issuer, clientId, undefined, authentication(clientSecret), { execute, timeout })
}

/** Sends the secret as the provider's metadata say; `client_secret_basic` when they do not say. */
function authentication(secret: string | undefined): client.ClientAuth {
  if (secret === undefined) return client.None()
  return (as, ...rest) => {
    const methods = as.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const isPost = !methods.includes('client_secret_basic') && methods.includes('client_secret_post')
    return (isPost ? client.ClientSecretPost : client.ClientSecretBasic)(secret)(as, ...rest)
  }
}
