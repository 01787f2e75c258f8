import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Granted } from './token-endpoint.js'

/** A token that is kept for a resource. */
export interface Kept {
  readonly token: string
  readonly exp: number
  readonly authServer: string
  readonly scope: string
  readonly sub: unknown
  readonly refreshToken?: string | undefined
}

/** The tokens of an agent, by the origin of their resource. */
export interface KeptTokens {
  find(resource: string): Kept | undefined
  keep(resource: string, granted: Granted, o: Pick<Kept, 'authServer' | 'scope'>): void
  forget(resource: string): void
}

/** Opens the tokens of one user in a folder: a file for each resource. */
export function openKeptTokens(folder: string, user: string): KeptTokens {
  mkdirSync(folder, { recursive: true })
  const fileOf = (resource: string): string =>
    join(
      folder,
      `${createHash('sha256')
        .update(JSON.stringify([user, resource]))
        .digest('hex')}.json`,
    )
  return {
    find(resource) {
      try {
        return JSON.parse(readFileSync(fileOf(resource), 'utf8')) as Kept
      } catch {
        return undefined
      }
    },
    keep(resource, { token, claims, refreshToken }, { authServer, scope }) {
      const kept: Kept = { token, exp: Number(claims['exp']), authServer, scope, sub: claims['sub'], refreshToken }
      writeFileSync(fileOf(resource), JSON.stringify(kept), { mode: 0o600 })
    },
    forget: resource => rmSync(fileOf(resource), { force: true }),
  }
}
