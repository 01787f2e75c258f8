import { readdirSync, readFileSync } from 'node:fs'
import { pageSafety } from '@countersign/protocol/internal'
import { assetsFolder } from '../assets-folder.js'

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  // The empty icon of the document.
  'img-src data:',
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** Headers of every response of the admin port. */
export const adminSafety: Readonly<Record<string, string>> = {
  ...pageSafety,
  'content-security-policy': policy,
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'x-robots-tag': 'noindex',
}

const folder = new URL('admin/', assetsFolder)

/** A file of the page. */
export function asset(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8')
}

/** The names of the scripts of the page. */
export function scripts(): string[] {
  return readdirSync(folder).filter(name => name.endsWith('.js'))
}

/** The one document: an empty page that its script fills. Nothing in it depends on who asks. */
export function shell(issuer: string): string {
  return asset('index.html').replaceAll('ISSUER', new URL(issuer).host)
}
