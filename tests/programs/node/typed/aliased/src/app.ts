import { partWork } from '@parts/work';

for (let i = 0; i < 30; i++) partWork(1e6);
