import { type AAuthError, checkOptions, each } from '@countersign/protocol'
import * as client from 'openid-client'

/** Answers asked for at once: each costs requests to the provider, and strangers can send any number of browsers. */
const mostAtOnce = 64

/** How a provider of OAuth 2.0 or OpenID Connect is asked. */
export interface ProviderClientOptions {
  /** Its metadata are read when they are first needed. */
  readonly issuer: URL
  readonly clientId: string
  /** Default: none; a public client, protected by PKCE alone. */
  readonly clientSecret?: string
  /** Seconds an answer may take. */
  readonly timeout: number
  /** What the configuration is changed by, as of `openid-client`. */
  readonly execute?: ReadonlyArray<(config: client.Configuration) => void>
  /** What went wrong, in words of the caller's. */
  readonly refusal: (error: unknown) => AAuthError
  /** That too many ask already, in words of the caller's. */
  readonly busy: (cause: { readonly underWay: number }) => AAuthError
}

/** A provider, asked as its client. */
export interface ProviderClient {
  /** @throws AAuthError the `refusal` */
  configuration(): Promise<client.Configuration>
  /** Runs `task`, as many at once as it is fair to. @throws AAuthError the `refusal`, or `busy` */
  ask<T>(task: (config: client.Configuration) => Promise<T>): Promise<T>
}

/** Makes a client of a provider. Needs the package `openid-client`. */
export function providerClient(options: ProviderClientOptions): ProviderClient {
  checkOptions('providerClient', options, {
    ...{ issuer: 'object', clientId: 'string', clientSecret: 'string', timeout: 'number', execute: each('function') },
    ...{ refusal: 'function', busy: 'function' },
  })
  const { refusal, busy } = options
  let discovered: Promise<client.Configuration> | undefined
  let underWay = 0
  const configuration = (): Promise<client.Configuration> => {
    discovered ??= discover(options).catch(error => {
      // Asked anew the next time: a provider that was away once is not away for good.
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

/** Whether a provider may be there: at https, or at http on a loopback host where that is allowed. */
export function isProviderUrl({ protocol, hostname }: URL, o: { readonly loopbackHttp: boolean }): boolean {
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return protocol === 'https:' || (protocol === 'http:' && o.loopbackHttp && isLoopback)
}

/** What may be told of an error. Names and codes only: one of the library may hold whole answers, tokens included. */
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

/** The secret travels as the provider takes it; `client_secret_basic` where its metadata do not say. */
function authentication(secret: string | undefined): client.ClientAuth {
  if (secret === undefined) return client.None()
  return (as, ...rest) => {
    const methods = as.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const isPost = !methods.includes('client_secret_basic') && methods.includes('client_secret_post')
    return (isPost ? client.ClientSecretPost : client.ClientSecretBasic)(secret)(as, ...rest)
  }
}
