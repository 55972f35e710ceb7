// `npm start`: does the main job on a real folder, and shows it.
import process from 'node:process';
import { demo } from '../demo/demo.ts';

process.exitCode = await demo(process.argv.slice(2));
