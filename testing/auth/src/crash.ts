import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generateSigningKey } from '@countersign/httpsig'
import { publishAgent, publishResource } from '@countersign/testing/world/web'
import type { Answer, Call } from './crash.child.js'
import { post, type Signer, type World } from './world.js'

/** Who takes part, in real time: the process that is killed has a clock of its own. */
export type Participants = Pick<World, 'clock' | 'web' | 'agentKey' | 'resourceKey'>

/** The auth server as a process of its own, which can be killed. */
export interface Running {
  readonly pid: number
  call(message: Call['message']): Promise<Answer>
  /** SIGKILL: no handler runs, no buffer is written. */
  kill(): Promise<void>
  /** Has it take all the memory that it may have, by which it ends. */
  exhaust(): Promise<void>
}

/** @param o.root of the checkout whose build runs; default this one */
export async function start(
  database: string,
  documents: string,
  { root, audit = 'off' }: { readonly root?: string; readonly audit?: 'on' | 'off' } = {},
): Promise<Running> {
  // Where the release before has it.
  const file = 'packages/auth-server/dist/crash.test.child.js'
  const program =
    root === undefined ? fileURLToPath(new URL('../dist/crash.child.js', import.meta.url)) : join(root, file)
  if (!existsSync(program)) throw new Error('build first: npx tsc -b testing/auth')
  const child: ChildProcess = fork(program, [database, documents, audit], {
    execArgv: ['--max-old-space-size=120'],
    serialization: 'advanced',
    // What V8 writes of its end is long.
    stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
  })
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  let calls = 0
  const ready = Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('died'))),
  ])
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('killed'))
  })
  await ready
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.resolve(answer)
    waiting.delete(answer.id)
  })
  return {
    pid: child.pid ?? 0,
    call: message =>
      new Promise((resolve, reject) => {
        const id = calls++
        waiting.set(id, { resolve, reject })
        child.send({ id, message } satisfies Call, error => error !== null && reject(error))
      }),
    async kill() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
    async exhaust() {
      const gone = once(child, 'exit')
      child.send('exhaust')
      await gone
    },
  }
}

export async function participants(): Promise<Participants> {
  const clock = {
    get now() {
      return Math.floor(Date.now() / 1000)
    },
  }
  const web = new Map<string, unknown>()
  const agentKey = { kid: 'k1', key: await generateSigningKey() }
  const resourceKey = { kid: 'r1', key: await generateSigningKey() }
  publishAgent({ web }, 'https://agent.example', [agentKey])
  publishResource({ web }, 'https://calendar.example', [resourceKey])
  return { clock, web, agentKey, resourceKey }
}

/** Signs anew while a just started server cannot tell requests from replays. */
export async function patiently(running: Running, request: () => Promise<Call['message']>): Promise<Answer> {
  for (;;) {
    const answer = await running.call(await request())
    if (answer.status !== 503) return answer
    await sleep(100)
  }
}

/** An auth server that may be another process at every request. */
export interface Server {
  running: Running | undefined
  handle(message: Parameters<Running['call']>[0]): Promise<Response>
}

/** None is running yet. */
export function serverOf(): Server {
  const server: Server = {
    running: undefined,
    async handle(message) {
      if (server.running === undefined) throw new Error('killed')
      const { status, headers, body } = await server.running.call(message)
      return new Response(body === '' ? null : body, { status, headers: headers.map(([name, value]) => [name, value]) })
    },
  }
  return server
}

/** Sends a token request, anew while a just started server cannot tell it from a replay. */
export async function token(
  cast: Participants,
  server: Server,
  owner: Signer,
  form: Record<string, string>,
): Promise<Response> {
  const { running } = server
  if (running === undefined) throw new Error('killed')
  const { status, body } = await patiently(running, () => post(cast, owner, form))
  return new Response(body, { status })
}

/** Whether a request failed because the server was killed meanwhile. */
export function isKilled(error: unknown): boolean {
  return error instanceof Error && /killed|channel closed|EPIPE/i.test(error.message)
}
