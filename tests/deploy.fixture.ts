import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { main } from '@countersign/cli'
import { vi } from 'vitest'
import { parse } from 'yaml'
import { root } from './processes.fixture.js'

// The files for operators in `deploy/`, and how they stand on this machine.

/** A file of `deploy/`. */
export function deployText(name: string): string {
  return readFileSync(join(root, 'deploy', name), 'utf8')
}

/** A YAML file of `deploy/`, with its anchors merged as Compose merges them. */
export function deployYaml(name: string): Record<string, unknown> {
  return parse(deployText(name), { merge: true, uniqueKeys: true }) as Record<string, unknown>
}

/** A service of compose.yaml, as far as tests look at it. */
export interface Service {
  readonly image: string
  readonly user?: string
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly configs?: ReadonlyArray<{ readonly source: string; readonly target: string }>
  readonly secrets?: readonly string[]
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly networks?: readonly string[] | Readonly<Record<string, { readonly ipv4_address?: string }>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly [other: string]: unknown
}

/** The services of compose.yaml. */
export function services(): Readonly<Record<string, Service>> {
  return deployYaml('compose.yaml')['services'] as Readonly<Record<string, Service>>
}

/** One of them. */
export function service(name: string): Service {
  const found = services()[name]
  if (found === undefined) throw new Error(`compose.yaml has no service ${name}`)
  return found
}

/** The `RUN` lines of the stage of the Dockerfile that installs the packages of this checkout, as one shell script. */
export function installScript(): string {
  const [, stage = ''] = /^FROM \S+ AS from-tarballs\n([\s\S]*?)(?=^FROM)/m.exec(deployText('Dockerfile')) ?? []
  const lines = stage.replaceAll('\\\n', ' ').split('\n')
  return lines.flatMap(line => (line.startsWith('RUN ') ? [line.slice('RUN '.length)] : [])).join('\n')
}

/** Where the servers of compose.yaml listen on this machine. */
export interface Places {
  /** For all that nginx writes. */
  readonly folder: string
  readonly certificate: string
  readonly key: string
  /** Ports of the servers, by the name of their service. */
  readonly servers: Readonly<Record<string, number>>
  /** Ports of nginx, by the name that it serves; `''` for all other names. */
  readonly names: Readonly<Record<string, number>>
}

/** nginx.conf with the paths, names and ports of this machine, and nothing else changed. */
export function nginxHere({ folder, certificate, key, servers, names }: Places): string {
  const services = Object.entries(servers).reduce(
    (text, [name, port]) => text.replaceAll(`server ${name}:8443`, `server 127.0.0.1:${port}`),
    deployText('nginx.conf'),
  )
  const sites = Object.entries(names).reduce(
    (text, [name, port]) =>
      text.replace(
        name === '' ? 'listen 8443 ssl default_server;' : `listen 8443 ssl;\n    server_name ${name};`,
        name === ''
          ? `listen 127.0.0.1:${port} ssl default_server;`
          : `listen 127.0.0.1:${port} ssl;\n    server_name localhost;`,
      ),
    services,
  )
  return sites
    .replaceAll('/tmp/', `${folder}/`)
    .replaceAll('/run/secrets/tls.crt', certificate)
    .replaceAll('/run/secrets/tls.key', key)
}

/** What `countersign` prints when it runs in this process, without the start of a process for each. */
export async function printedHere(args: readonly string[]): Promise<{ readonly out: string; readonly err: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(text => void out.push(String(text))),
    vi.spyOn(console, 'error').mockImplementation(text => void err.push(String(text))),
  ]
  const before = process.exitCode
  try {
    await main(['node', 'countersign', ...args])
    return { out: out.join('\n'), err: err.join('\n') }
  } finally {
    process.exitCode = before
    for (const spy of spies) spy.mockRestore()
  }
}
