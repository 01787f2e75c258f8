import { execFile } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generatePrivateJwk, generateSigningKey, signRequest } from '@countersign/httpsig'
import { createResource } from '@countersign/resource'
import { guard, wellKnown } from '@countersign/resource/fetch'
import { freePort } from '@countersign/testing/ports'
import { listens } from '@countersign/testing/services'
import { serve } from '@hono/node-server'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installRuntimes } from '../scripts/runtimes.mjs'
import { type Stand, stand } from './processes.fixture.js'
import { packed, project as readersProject, samples, versioned } from './reader.fixture.js'

// The README's Fetch samples, and an agent, on Bun, Deno and workerd: from packed tarballs, as these resolve and run them.

const execute = promisify(execFile)
const programs = installRuntimes()
const there = 'missing' in programs ? undefined : programs
const why = 'missing' in programs ? ` (skipped: ${programs.missing})` : ''
const denoFlags = ['--allow-all', '--unstable-sloppy-imports', '--no-lock']
const place: Stand = stand()
let project: string

beforeAll(async () => {
  if (there === undefined) return

  project = join(place.folder, 'project')
  const tarballs = packed(join(place.folder, 'tarballs')).map(({ tarball }) => tarball)
  await readersProject(project, [...tarballs, ...['hono', '@hono/node-server'].map(versioned)])
  for (const page of ['packages/resource/README.md', 'packages/discovery/README.md'])
    for (const [name, code] of samples(page)) writeFileSync(join(project, name), code)
})
afterAll(() => place.stop())

/** Starts what prints nothing, and waits until it listens. */
async function listening(name: string, port: number, program: readonly string[]): Promise<void> {
  const started = place.start(name, [], { program, cwd: project, ready: '\0' })
  const failed = started.catch((error: unknown) => error)
  for (let tries = 0; tries < 400; tries++) {
    if (await listens(port)) return
    const early = await Promise.race([failed, new Promise(resolve => setTimeout(resolve, 50))])
    if (early instanceof Error) throw early
  }
  throw new Error(`${name} does not listen`)
}

/** Expects the answers of a sample: to a request for metadata, an unsigned, a signed and an altered request. */
async function expectGuarded(port: number): Promise<void> {
  const send = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init)
  expect(await (await send('/.well-known/aauth-resource')).json()).toMatchObject({
    resource: 'https://calendar.example',
  })
  // In the second of its start a guard cannot tell earlier requests from replays.
  await new Promise(resolve => setTimeout(resolve, 1100))
  const key = await generateSigningKey()
  const signed = async (body: string) => {
    const headers = [['content-type', 'application/json']] as const
    const request = { method: 'POST', url: 'https://calendar.example/feedback', headers }
    const bytes = new TextEncoder().encode(body)
    const added = await signRequest({
      ...request,
      body: bytes,
      key,
      signatureKey: { scheme: 'hwk', jwk: key.publicJwk },
    })
    return {
      method: 'POST',
      headers: [...headers, ...added].map(([name, value]): [string, string] => [name, value]),
      body,
    }
  }
  const post = await signed('{ "wish": "more tea" }')
  expect((await send('/feedback', { method: 'POST', body: '{}' })).status).toBe(401)
  const another = await send('/feedback', { ...post, body: '{ "wish": "a pony" }' })
  expect([another.status, ((await another.json()) as { error: string }).error]).toEqual([401, 'invalid_signature'])
  const passed = await send('/feedback', post)
  expect([passed.status, await passed.json()]).toEqual([200, { wish: 'more tea' }])
  const again = await send('/feedback', post)
  expect([again.status, ((await again.json()) as { error: string }).error]).toEqual([401, 'replay_detected'])
}

test.skipIf(there === undefined)(`Bun runs the Fetch sample as it stands${why}`, async () => {
  const port = await freePort()
  await listening('Bun', port, ['/usr/bin/env', `PORT=${port}`, there?.bun ?? '', 'run', 'fetch.ts'])
  await expectGuarded(port)
})

test.skipIf(there === undefined)(`Deno runs the Fetch sample as it stands${why}`, async () => {
  const port = await freePort()
  const serving = ['serve', ...denoFlags, '--host', '127.0.0.1', '--port', String(port), 'fetch.ts']
  await listening('Deno', port, [there?.deno ?? '', ...serving])
  await expectGuarded(port)
})

test.skipIf(there === undefined)(`workerd runs the worker${why}`, async () => {
  const port = await freePort()
  const folder = await workerOf('worker.ts')
  const key = JSON.stringify(JSON.stringify(await generatePrivateJwk()))
  await listening('workerd', port, workerd(folder, port, `bindings = [(name = "KEY", text = ${key})]`))
  await expectGuarded(port)
})

/** A sample as the tools for workers bundle it, alone in a folder. */
async function workerOf(entry: string): Promise<string> {
  const folder = join(place.folder, `worker-${entry}`)
  const conditions = ['workerd', 'worker', 'browser', 'default']
  await build({
    configFile: false,
    logLevel: 'silent',
    root: project,
    resolve: { conditions },
    ssr: { noExternal: true, target: 'webworker', resolve: { conditions } },
    build: {
      ssr: join(project, entry),
      outDir: folder,
      minify: false,
      target: 'esnext',
      rollupOptions: { output: { entryFileNames: 'worker.mjs' } },
    },
  })
  expect(readdirSync(folder)).toEqual(['worker.mjs'])
  return folder
}

/** How workerd is started on a bundle. */
function workerd(folder: string, port: number, more: string): string[] {
  writeFileSync(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .site), (name = "internet", network = (allow = ["private", "public"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const site :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.mjs")],
  compatibilityDate = "2026-01-01",
  ${more}
);
`,
  )
  return [there?.workerd ?? '', 'serve', join(folder, 'config.capnp')]
}

/** An agent that climbs: a key, its own identity, and the challenges it got. */
const agentProgram = (site: string, agent: string, jwk: string, fetcher: string): string => `
import { agentServer, createAgent, explain, pseudonym } from '@countersign/agent'
import { importSigningKey } from '@countersign/httpsig'
export async function ask() {
  const key = await importSigningKey(${jwk})
  const shared = { development: true, identifyTo: 'any'${fetcher} }
  const known = createAgent({ identity: agentServer({ id: '${agent}', kid: 'k1', key }), ...shared })
  const stranger = createAgent({ identity: pseudonym(), development: true${fetcher} })
  const first = await known.fetch('${site}/agenda')
  const posted = await stranger.fetch('${site}/feedback', { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } })
  return { agenda: [first.status, await first.json()], outcome: explain(first).outcome, feedback: [posted.status, await posted.json()] }
}
`

test.skipIf(there === undefined)(`an agent signs and climbs on Bun, Deno and workerd${why}`, async () => {
  const [sitePort, agentPort, workerPort] = [await freePort(), await freePort(), await freePort()]
  const [id, agent] = [`http://localhost:${sitePort}`, `http://localhost:${agentPort}`]
  const jwk = await generatePrivateJwk()
  const { d: _, ...publicJwk } = jwk
  const calendar = createResource({ id, development: true, keys: [{ kid: 'r1', key: await generateSigningKey() }] })
  const known = wellKnown(calendar)
  const agenda = guard(calendar, { level: 'identified' }, (_request, aauth) => Response.json(aauth.agent))
  const feedback = guard(calendar, { level: 'pseudonymous' }, async request => Response.json(await request.json()))
  const site = serve({
    port: sitePort,
    hostname: 'localhost',
    fetch: async request => (await known(request)) ?? (request.url.endsWith('/agenda') ? agenda : feedback)(request),
  })
  const documents: Record<string, object> = {
    '/.well-known/aauth-agent': { issuer: agent, agent, jwks_uri: `${agent}/jwks.json` },
    '/jwks.json': { keys: [{ ...publicJwk, kid: 'k1', use: 'sig' }] },
  }
  const published = serve({
    port: agentPort,
    hostname: 'localhost',
    fetch: request => Response.json(documents[new URL(request.url).pathname] ?? {}),
  })
  try {
    await new Promise(resolve => setTimeout(resolve, 1100))
    const expected = { agenda: [200, agent], outcome: 'answered', feedback: [200, { a: 1 }] }
    const source = (fetcher: string) => agentProgram(id, agent, JSON.stringify(jwk), fetcher)
    writeFileSync(join(project, 'ask.mjs'), source(''))
    writeFileSync(
      join(project, 'run.mjs'),
      `import { ask } from './ask.mjs'\nconsole.log(JSON.stringify(await ask()))\n`,
    )
    for (const [name, program, args] of [
      ['Node', process.execPath, ['run.mjs']],
      ['Bun', there?.bun ?? '', ['run', 'run.mjs']],
      ['Deno', there?.deno ?? '', ['run', ...denoFlags, 'run.mjs']],
    ] as const) {
      const { stdout } = await execute(program, [...args], { cwd: project })
      expect(JSON.parse(stdout), name).toEqual(expected)
    }
    writeFileSync(join(project, 'ask-worker.mjs'), `import { fetcher } from './fetcher.ts'\n${source(', fetcher')}`)
    writeFileSync(
      join(project, 'agent-worker.ts'),
      `import { ask } from './ask-worker.mjs'\nexport default { fetch: async () => Response.json(await ask()) }\n`,
    )
    const folder = await workerOf('agent-worker.ts')
    await listening('workerd', workerPort, workerd(folder, workerPort, 'globalOutbound = "internet"'))
    const answer = await fetch(`http://127.0.0.1:${workerPort}/`)
    expect([answer.status, await answer.json()]).toEqual([200, expected])
  } finally {
    site.close()
    published.close()
  }
})
