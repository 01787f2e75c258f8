import type { Place } from '../participants/participant.js'
import { ConfigurationError } from './configuration-error.js'
import { readInteger, readMembers, readText } from './members.js'

/** Loopback only: what anyone can derive is worth nothing elsewhere, since receivers fetch keys from the identifier itself. */
export const loopbackSecret = 'countersign conformance'

/**
 * Reads where the suite plays a participant: `{ "port": 4720 }`, or with a public `id`.
 * @param name of the participant in the configuration
 * @param o.secret what the keys of participants under public identifiers follow from
 * @param o.port the default
 * @throws ConfigurationError
 */
export function readPlace(
  name: string,
  value: unknown,
  { secret, port }: { readonly secret: string | undefined; readonly port: number },
): Place {
  const given = readMembers(name, value ?? {}, ['id', 'port'])
  const id = readText(`${name}.id`, given['id'])
  // With keys that anyone can derive, anyone could act in a system that still trusts this participant.
  if (id !== undefined && (secret === undefined || secret.length < 16))
    throw new ConfigurationError(`${name} has an id, and so needs keySecret, with at least 16 characters`)
  return {
    id,
    secret: secret ?? loopbackSecret,
    option: `${name}.port`,
    port: readInteger(`${name}.port`, given['port'], { least: 0, most: 65_535 }) ?? port,
  }
}
