import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listenOn } from '@countersign/testing/listening'
import { freePort } from '@countersign/testing/ports'
import { listens } from '@countersign/testing/services'
import { send } from '@countersign/testing/wire'
import { build } from 'vite'
import type { Adapter, Plan, Site } from '../site.test.fixture.js'
import { nameByProxy } from '../suite/logged.test.fixture.js'
import type { World } from '../world.test.fixture.js'
import type { Order, Report } from './remote-site.test.fixture.js'

// Runs the site on another runtime, as a process, and drives it over real sockets.

/** A runtime, and what it is given to run. */
export interface Runtime {
  readonly name: string
  /** The path of its program. */
  readonly program: string
  /** Which of the entries beside this file it runs. */
  readonly entry: string
  /** Conditions under which it resolves packages. */
  readonly conditions: readonly string[]
  /** How its program is started on a bundle. */
  start(o: { readonly bundle: string; readonly folder: string; readonly port: number }): readonly string[]
}

/** The bundle of an entry, from the sources, as the runtime would resolve them. */
export async function bundleOf({ entry, conditions }: Runtime, folder: string): Promise<string> {
  const resolved = ['@countersign/source', ...conditions]
  await build({
    configFile: false,
    logLevel: 'silent',
    root: fileURLToPath(new URL('.', import.meta.url)),
    resolve: { conditions: resolved },
    ssr: {
      noExternal: true,
      target: conditions.includes('node') ? 'node' : 'webworker',
      resolve: { conditions: resolved },
    },
    build: {
      ssr: fileURLToPath(new URL(`${entry}-entry.test.fixture.ts`, import.meta.url)),
      outDir: folder,
      emptyOutDir: false,
      minify: false,
      target: 'esnext',
      rollupOptions: { output: { entryFileNames: `${entry}.mjs`, inlineDynamicImports: true } },
    },
  })
  return join(folder, `${entry}.mjs`)
}

/** A process that runs the site; made anew for each test, over its control. */
interface Host {
  readonly port: number
  readonly process: ChildProcess
}

/** The adapter of a runtime: sites are processes, which are used again. */
export function remoteAdapter(
  runtime: Runtime,
  more: Omit<Adapter, 'name' | 'make'>,
): { readonly adapter: Adapter; stop(): Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-runtime-'))
  const free: Host[] = []
  const all: Host[] = []
  let bundle: Promise<string> | undefined
  const documents = new Map<World, Promise<{ url: string; server: HttpServer }>>()
  const host = async (): Promise<Host> => {
    bundle ??= bundleOf(runtime, folder)
    const started = await startHost(runtime, { bundle: await bundle, folder })
    all.push(started)
    return started
  }
  return {
    adapter: {
      ...more,
      name: runtime.name,
      async make(plan, world) {
        const at = free.pop() ?? (await host())
        const served = documents.get(world) ?? serveDocuments(world)
        documents.set(world, served)
        const site = await siteAt(at, plan, world, (await served).url)
        const stop = async (): Promise<void> => {
          await site.stop()
          free.push(at)
        }
        return { ...site, stop }
      },
    },
    async stop() {
      for (const { process } of all) process.kill('SIGKILL')
      for (const served of documents.values()) (await served).server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function startHost(runtime: Runtime, o: { readonly bundle: string; readonly folder: string }): Promise<Host> {
  const wanted = await freePort()
  const child = spawn(runtime.program, runtime.start({ ...o, port: wanted }), {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: o.folder,
  })
  let said = ''
  const port = await new Promise<number>((resolve, reject) => {
    const listen = (chunk: unknown): void => {
      said = (said + String(chunk)).slice(-8192)
      const [, at] = / ready at (\d+)/.exec(said) ?? []
      if (at !== undefined) resolve(Number(at))
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('exit', code => reject(new Error(`${runtime.name} ended with code ${code}:\n${said}`)))
    // What says nothing is asked.
    void untilItListens(wanted).then(() => resolve(wanted))
  })
  return { port, process: child }
}

async function untilItListens(port: number): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await listens(port)) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** The documents of a world, for a process that has none of its own. */
async function serveDocuments(world: World): Promise<{ url: string; server: HttpServer }> {
  const server = createHttpServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost').searchParams.get('url') ?? ''
    const found = world.document(url)
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ?? {}))
  })
  const portOfServer = await listenOn(server)
  return { url: `http://127.0.0.1:${portOfServer}/`, server }
}

async function siteAt({ port }: Host, plan: Plan, world: World, documents: string): Promise<Site> {
  const { downstream: _, onEvent, requestId, replay, siteOf: __, ...options } = plan.options ?? {}
  const ask = async (path: string, order: object): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${port}/--/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ now: world.clock.now, ...order }),
    })
    const { ran, failed, events } = (await response.json()) as Report
    plan.ran += ran
    for (const { name, message } of failed)
      plan.failed.push(name === 'TypeError' ? new TypeError(message) : new Error(message))
    for (const event of events) (onEvent ?? (one => world.events.push(one)))(event)
  }
  const order: Omit<Order, 'now'> = {
    options,
    jwk: world.calendarJwk,
    documents,
    namesRequests: requestId === nameByProxy,
    startsNow: replay !== undefined,
  }
  await ask('order', order)
  const proxy = await between(port, { before: () => ask('clock', {}), after: () => ask('report', {}) })
  const own = (proxy.address() as AddressInfo).port
  return {
    port: own,
    // A connection that was reset before its answer came: status 0.
    async send(wire) {
      const answer = await send(own, wire)
      return { ...answer, status: answer.status || 0 }
    },
    stop: () => new Promise(resolve => proxy.close(() => resolve())),
  }
}

/** Passes bytes on as they are; asks before a connection begins, and before it is told that one has ended. */
async function between(
  port: number,
  { before, after }: { before(): Promise<void>; after(): Promise<void> },
): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, socket => void pass(socket))
  const pass = async (socket: Socket): Promise<void> => {
    socket.on('error', () => undefined)
    await before()
    const onward = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    onward.on('error', () => undefined)
    socket.pipe(onward)
    onward.pipe(socket, { end: false })
    socket.once('close', () => onward.destroy())
    onward.once('close', () => void after().finally(() => socket.end(() => socket.destroy())))
    onward.once('end', () => onward.end())
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** Writes what workerd is told. */
export function workerdConfig(bundle: string, folder: string, port: number): string {
  const config = join(folder, `config-${port}.capnp`)
  const module = bundle.slice(bundle.lastIndexOf('/') + 1)
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .site), (name = "internet", network = (allow = ["private", "public"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const site :Workerd.Worker = (
  modules = [(name = "site", esModule = embed "${module}")],
  compatibilityDate = "2026-01-01"
);
`,
  )
  return config
}
