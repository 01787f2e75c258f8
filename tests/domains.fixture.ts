import { AgentError, type View } from '@countersign/agent'
import { type AuthServerOptions, createAuthServer } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { type ScriptedUser, scriptedUser } from '@countersign/playground'
import {
  createResource,
  type Guarded,
  type Requirement,
  type Resource,
  type ResourceOptions,
} from '@countersign/resource'
import { type Participant, serve } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'

/** Participants of several trust domains in this process, each behind a port of its own. */
export interface Domains {
  open(name: string, id: string, participant: Participant): Promise<void>
  authServer(issuer: string, options: Partial<AuthServerOptions>): Promise<void>
  /** A resource whose every path is one handler behind its only scope, or behind one requirement. */
  resource<S extends string>(
    options: Omit<ResourceOptions<S>, 'keys'>,
    required: NoInfer<S> | Requirement<NoInfer<S>>,
    handler: (aauth: Guarded) => Promise<Response>,
  ): Promise<void>
  close(): Promise<void>
}

export function domains(): Domains {
  const ends: Array<() => Promise<unknown>> = []
  const open: Domains['open'] = async (name, id, participant) => {
    const where = { id, port: Number(new URL(id).port), participant, development: true, signals: false }
    const running = await serve({ name, ...where, level: 'error', announce: () => undefined })
    ends.push(() => running.close())
  }
  return {
    open,
    async authServer(issuer, options) {
      const keys = [{ kid: 'a1', key: await generateSigningKey() }]
      const common = { issuer, keys, database: 'sqlite::memory:', development: true }
      await open('auth-server', issuer, await createAuthServer({ ...common, ...options }))
    },
    async resource<S extends string>(
      options: Omit<ResourceOptions<S>, 'keys'>,
      required: NoInfer<S> | Requirement<NoInfer<S>>,
      handler: (aauth: Guarded) => Promise<Response>,
    ) {
      const keys = [{ kid: 'r1', key: await generateSigningKey() }]
      await open(
        'resource',
        options.id,
        behind(createResource<S>({ ...options, keys, development: true }), required, handler),
      )
    },
    async close() {
      for (const end of ends) await end()
    },
  }
}

/** Origins on this machine where no server listens yet. */
export async function origins(count: number): Promise<string[]> {
  const ports = await Promise.all(Array.from({ length: count }, () => freePort()))
  return ports.map(port => `http://localhost:${port}`)
}

function behind<S extends string>(
  resource: Resource<S>,
  required: NoInfer<S> | Requirement<NoInfer<S>>,
  handler: (aauth: Guarded) => Promise<Response>,
): Participant {
  const declared = resource.declare(typeof required === 'string' ? { scope: required } : required)
  return {
    async handle(message) {
      const published = await resource.handle(message)
      if (published !== undefined) return published
      const authorization = await resource.authorize(message, declared)
      if (!authorization.ok) return authorization.response
      try {
        return await handler(authorization.aauth)
      } catch (error) {
        const answer = await authorization.respond(error)
        if (answer === undefined) throw error
        return answer
      }
    },
    // Until then approvals are refused as used before.
    ready: () => resource.ready(),
    close: async () => undefined,
  }
}

/** Where a call that needs its user sends them. */
export async function urlOf(call: Promise<Response>): Promise<string> {
  const error = await call.then(
    async response => new Error(`answered ${response.status}: ${await response.text()}`),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof AgentError) || error.url === undefined) throw error
  return error.url
}

/** The browser of an app's user: the app takes requests to `callback`, in the user's session. */
export function browserOf(view: View, callback: string): ScriptedUser {
  return scriptedUser('', async (input, init) => {
    const url = new URL(String(input))
    if (!url.href.startsWith(`${callback}?`)) return fetch(input, init)
    return Response.json(await view.handleCallback(url))
  })
}
