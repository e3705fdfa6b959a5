import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";
import type { Video } from "../../services/video.service.ts";

export const videoResolvers = {
  Query: {
    video: (_root, { id }, context) => context.services.videos.get(requireActor(context), id),
    videos: (_root, { courseId, status, ...page }, context) =>
      context.services.videos.list(requireActor(context), { courseId, status }, page),
  },
  Mutation: {
    createVideo: (_root, { input }, context) => context.services.videos.create(requireActor(context), input),
    updateVideo: (_root, { id, input }, context) => context.services.videos.update(requireActor(context), id, input),
    deleteVideo: (_root, { id }, context) => context.services.videos.remove(requireActor(context), id),
    setCaptions: (_root, { input }, context) => context.services.captions.set(requireActor(context), input),
    removeCaptions: (_root, { videoId, language }, context) =>
      context.services.captions.remove(requireActor(context), videoId, language),
    createVideoUpload: (_root, { input }, context) =>
      context.services.videoUploads.createTicket(requireActor(context), input),
    retryVideo: (_root, { id }, context) => context.services.processing.retry(requireActor(context), id),
    cancelVideo: (_root, { id }, context) => context.services.processing.cancel(requireActor(context), id),
  },
  Subscription: {
    videoChanged: {
      subscribe: (_root, { id }, context) => context.services.processing.watch(requireActor(context), id),
      resolve: (video: Video) => video,
    },
  },
  Video: {
    playback: (video, _args, context) => context.services.playback.links(requireActor(context), video),
    processingPercent: (video, _args, { services }) => services.processing.percent(video),
    processingJobs: (video, _args, { services }) => services.processing.jobs(video),
    progress: (video, _args, context) => context.services.watch.progress(requireActor(context), video),
    retention: (video, _args, { services }) => services.watch.retention(video),
  },
} satisfies Resolvers;
