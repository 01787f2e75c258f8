// The module hooks of mutate.fixture.mjs.

let mutant

export function initialize(data) {
  mutant = data
}

export async function load(url, context, next) {
  const loaded = await next(url, context)
  if (!url.endsWith(`/packages/${mutant.file}`)) return loaded
  const source = String(loaded.source)
  if (source.split(mutant.find).length !== 2) throw new Error(`${mutant.file} has not once: ${mutant.find}`)
  return { ...loaded, source: source.replace(mutant.find, () => mutant.replace) }
}
