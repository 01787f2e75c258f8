import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What a process knows of its machine. */
export interface Machine {
  readonly platform: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Whether a browser can be started where its user sees it, as far as that is known before it is tried: the program that opens
 * one starts without a screen, too, and says nothing.
 */
export function isBrowserThere({ platform, env }: Machine, isFile: (path: string) => boolean = existsSync): boolean {
  const has = (name: string): boolean => (env[name] ?? '') !== ''
  // The screen of that machine is not the one of whoever came over SSH.
  if (platform === 'darwin' || platform === 'win32') return !has('SSH_CONNECTION')
  // An editor that runs on another machine than it shows names its own opener.
  const hasScreen = ['DISPLAY', 'WAYLAND_DISPLAY', 'BROWSER'].some(has)
  return hasScreen && (env['PATH'] ?? '').split(delimiter).some(folder => isFile(join(folder, 'xdg-open')))
}
