import { readFileSync, statSync } from 'node:fs'
import { ConfigurationError } from './configuration-error.js'

/** The longest file that is read, in bytes. */
const longest = 64 * 1024 * 1024

/** Reads a text file. @throws ConfigurationError where it cannot be read, or is too long */
export function readTextFile(file: string): string {
  try {
    if (statSync(file).size <= longest) return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigurationError(`cannot read ${file}`, { cause: error })
  }
  throw new ConfigurationError(`${file} has more than ${longest} bytes`)
}

/** Reads a JSON file. @throws ConfigurationError where it cannot be read, or is no JSON */
export function readJsonFile(file: string): unknown {
  const text = readTextFile(file)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ConfigurationError(`${file} is no JSON`, { cause: error })
  }
}
