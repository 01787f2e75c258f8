import { ConfigurationError } from '../config/configuration-error.js'

/**
 * Reads a file of expected failures: an id on each line; what follows # is the reason.
 * @throws ConfigurationError for an id that no case has
 */
export function readExpectedFailures(text: string, known: ReadonlySet<string>): string[] {
  const ids = text.split('\n').flatMap(line => {
    const id = line.replace(/#.*/, '').trim()
    return id === '' ? [] : [id]
  })
  for (const id of ids)
    if (!known.has(id)) throw new ConfigurationError(`the file of expected failures names ${id}, which is no case`)
  return ids
}
