import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './processes.fixture.js'

/** A source file that ships. */
export interface Source {
  /** From the root of the repository. */
  readonly file: string
  /** Without comments. */
  readonly code: string
}

/** The sources of packages and apps, given by their folders from the root, without tests. */
export function sourcesOf(rooms: readonly string[]): readonly Source[] {
  return rooms.flatMap(room =>
    readdirSync(join(root, room, 'src'), { recursive: true, encoding: 'utf8' })
      .filter(file => /\.tsx?$/.test(file) && !/\.test\.|fixture/.test(file))
      .map(file => `${room}/src/${file}`)
      .map(file => ({ file, code: withoutComments(readFileSync(join(root, file), 'utf8')) })),
  )
}

/** The text of a source file without its comments. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}
