// Builds the page of the playground into apps/playground/page-dist.
import { build } from 'vite'

await build({ configFile: new URL('../apps/playground/page/vite.config.js', import.meta.url).pathname })
