import { closeAfterEachFile } from './after-file.js'

closeAfterEachFile()
