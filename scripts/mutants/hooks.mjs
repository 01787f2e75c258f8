// The module hooks of load.mjs.
import { readFile } from 'node:fs/promises'

let files

export function initialize(data) {
  files = Object.entries(data)
}

export async function load(url, context, next) {
  const loaded = await next(url, context)
  const found = files.find(([built]) => url.endsWith(`/${built}`))
  return found === undefined ? loaded : { ...loaded, source: await readFile(found[1]) }
}
