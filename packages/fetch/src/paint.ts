import { styleText } from 'node:util'

/** Colours a text, or returns it unchanged. */
export type Paint = (style: 'red' | 'green' | 'cyan' | 'dim', text: string) => string

/** Returns colours for a terminal, unless `NO_COLOR` is set. @see https://no-color.org */
export function paintFor(
  output: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>> = process.env,
): Paint {
  const isPlain = output.isTTY !== true || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return isPlain ? (_, text) => text : (style, text) => styleText(style, text, { validateStream: false })
}
