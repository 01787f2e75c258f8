import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jwks, type PublishedKey, wellKnownUrl } from '@countersign/protocol'
import type { CommandNames } from './command-names.js'
import { makeFolder } from './folder.js'
import { loadOwnKeys, repeatFlags, requireIdentifier, stateFolder } from './identity.js'
import { printJson, printLines } from './output.js'
import { UsageError } from './usage-error.js'

/** Flags of `countersign keys`. */
export interface KeysFlags {
  readonly id?: string
  readonly name?: string
  readonly state?: string
  readonly development?: boolean
  readonly localhostCallback?: boolean
}

/** `countersign keys new`: makes the keys of an agent identity and prints their public half. */
export async function newKeys(flags: KeysFlags): Promise<void> {
  printKeys(await loadOwnKeys(stateFolder(flags.state), requireId(flags), 'make'))
}

function printKeys(keys: readonly PublishedKey[]): void {
  printJson(jwks(keys), 2)
}

/** `countersign keys show`: lists the identities on this machine, or prints the public keys of one. */
export async function showKeys(flags: KeysFlags, names: CommandNames): Promise<void> {
  if (flags.id !== undefined) {
    const refusal = `${names.keys} new makes some`
    return printKeys(await loadOwnKeys(stateFolder(flags.state), requireId(flags), { refusal }))
  }
  const folder = join(stateFolder(flags.state), 'agents')
  makeFolder(folder, 'owner')
  const identities = readdirSync(folder).filter(file => file.endsWith('.json'))
  if (identities.length === 0) throw new UsageError(`no identity yet: ${names.keys} new --id https://agent.example`)
  for (const file of identities) printLines(file.replace(/\.json$/, '').replace('_', ':'))
}

/** `countersign keys publish DIR`: writes the static `aauth-agent` and JWKS that any web host can serve. */
export async function publishKeys(directory: string, flags: KeysFlags, names: CommandNames): Promise<void> {
  const id = requireId(flags)
  const folder = join(directory, '.well-known')
  // First, so that no keys are made that could not be published.
  makeFolder(folder, 'all')
  const keys = await loadOwnKeys(stateFolder(flags.state), id, 'make')
  const jwksUri = `${id}/.well-known/jwks.json`
  const metadata = {
    issuer: id,
    agent: id,
    jwks_uri: jwksUri,
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.localhostCallback === true ? { localhost_callback_allowed: true } : {}),
  }
  writeFileSync(join(folder, 'aauth-agent'), `${JSON.stringify(metadata, null, 2)}\n`)
  writeFileSync(join(folder, 'jwks.json'), `${JSON.stringify(jwks(keys), null, 2)}\n`)
  printLines(`wrote ${join(folder, 'aauth-agent')} and ${join(folder, 'jwks.json')}`)
  printLines(
    `serve ${directory} at ${id} so that ${wellKnownUrl(id, 'aauth-agent')} answers as application/json, then:`,
  )
  printLines(`  ${names.fetch} URL --as agent --id ${id}${repeatFlags(flags)}`)
}

function requireId(flags: KeysFlags): string {
  if (flags.id === undefined)
    throw new UsageError('--id is required: the origin the keys will be served from, such as https://agent.example')
  return requireIdentifier(flags.id, '--id', flags.development ?? false)
}
